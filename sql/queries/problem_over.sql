-- lib/ledger, a stream's coordinator when a partition works, and `dag skip`: states of it that are over.
update dag.stream_problems
set cleared_at = clock_timestamp()
where job = $1 and topic = $2 and partition = $3 and kind = any($4::text[]) and cleared_at is null
