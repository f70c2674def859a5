-- dag/runstore: the last run of a job that ended.
select run_id, state, trigger, as_of, ledger, instance, started_at, ended_at, error, rows_read, rows_written, note
from dag.runs
where job = $1 and ended_at is not null
order by queued_at desc
limit 1
