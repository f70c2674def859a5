-- lib/ledger: up to which event time the rollups of a stream may take up rows, and how many messages wait in the log.
-- Stragglers are waited for, also where a till's clock is ahead. Null: not known yet.
select case when w.watermark is not null then least(w.watermark, (clock_timestamp() at time zone 'UTC') - s.delay) end,
       (select coalesce(sum(greatest(log_end - next_offset, 0)), 0)::bigint from dag.stream_offsets o where o.job = s.job)
from dag.streams s left join dag.watermarks w using (job)
where s.job = $1
