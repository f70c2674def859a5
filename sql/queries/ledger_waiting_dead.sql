-- jobs/stream, the owner of a partition, under its guard: the next dead letters after an offset that a person wants
-- tried again, in their order, no more than fit in memory.
select "offset", key, value, headers, reason, watermark, log_time
from (
    select *, sum(size) over (order by "offset") - size as before
    from (
        select *, coalesce(octet_length(value), 0) as size
        from dag.dead_letters
        where job = $1 and topic = $2 and partition = $3 and "offset" > $6 and replay_at is not null
        order by "offset" limit $4) ready) chosen
where before < $5
order by "offset"
