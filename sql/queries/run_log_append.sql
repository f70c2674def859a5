-- dag/runstore: a piece of a run's log, unless the log is as long as it may be; $5 is that length in bytes, and what
-- crosses it is cut and says so.
with kept as (
    update dag.runs set log_bytes = log_bytes + octet_length($3)
    where run_id = $1 and log_bytes < $4
    returning run_id, log_bytes
)
insert into dag.run_logs (run_id, seq, attempt, text)
select run_id, log_bytes, $2, case when log_bytes < $4 then $3 else $3 || $5 end
from kept
where set_config('synchronous_commit', 'off', true) = 'off'
