-- dag/runstore, for `dag show`: one run, as in run_history.
with seen as (
    select *, state = 'running' and lease_until < now() as lapsed from dag.runs where run_id = $1
)
select run_id, job, case when lapsed then 'canceled' else state end, trigger, as_of, ledger, instance, coalesce(started_at, queued_at),
       case when lapsed then lease_until else ended_at end, case when lapsed then $2 else error end, rows_read, rows_written, note, warning,
       params, from_at, to_at, backfill_id, retry_of, fence
from seen
