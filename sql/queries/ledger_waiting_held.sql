-- jobs/stream, the owner of a partition, under its guard: the next held rows after an offset whose dimension rows are
-- there, in their order, no more than fit in memory.
select "offset", key, value, headers, missing, watermark, log_time
from (
    select *, sum(size) over (order by "offset") - size as before
    from (
        select *, coalesce(octet_length(value), 0) as size
        from dag.held_rows
        where job = $1 and topic = $2 and partition = $3 and "offset" > $7 and needs <@ $4::text[]
        order by "offset" limit $5) ready) chosen
where before < $6
order by "offset"
