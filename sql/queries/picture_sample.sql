-- dag/picture, four times a minute by the process that keeps pipeline $1: how far its streams are, as the ledger has it.
insert into dag.stream_samples (job, rows, lag, watermark)
select o.job, sum(o.rows), sum(greatest(o.log_end - o.next_offset, 0)), max(w.watermark)
from dag.stream_offsets o
join dag.jobs j on j.job = o.job and j.pipeline = $1
left join dag.watermarks w on w.job = o.job
group by o.job
