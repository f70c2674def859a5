-- dag/runstore: the last run of a job that ended; those of a backfill are none of its schedule.
select run_id, job, state, trigger, as_of, ledger, instance, coalesce(started_at, queued_at), ended_at, error, rows_read, rows_written, note, warning,
       params, from_at, to_at, backfill_id, retry_of, fence
from dag.runs
where job = $1 and ended_at is not null and backfill_id = ''
order by queued_at desc, run_id desc
limit 1
