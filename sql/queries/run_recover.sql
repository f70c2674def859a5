-- dag/runstore: close the runs of processes that ended without saying so: those of this instance, which has just
-- started and so runs nothing ($1 is '' for a process that goes on), and those whose lease has lapsed. Their fences
-- rise, so that a process which only slept can record nothing any more. The try in hand is kept as canceled.
with closed as (
    update dag.runs
    set state = 'canceled', ended_at = clock_timestamp(), error = $2, fence = fence + 1
    where state = 'running' and (instance = $1 or lease_until < now())
    returning *
), tried as (
    insert into dag.attempts (run_id, attempt, state, started_at, ended_at, error)
    select c.run_id, coalesce(max(a.attempt), 0) + 1, 'canceled', coalesce(max(a.ended_at), c.started_at, c.queued_at), c.ended_at, $2
    from closed c left join dag.attempts a using (run_id)
    group by c.run_id, c.started_at, c.queued_at, c.ended_at
), freed as (
    delete from dag.pool_leases p using closed where p.run_id = closed.run_id
)
select run_id, job, state, trigger, as_of, ledger, instance, coalesce(started_at, queued_at), ended_at, error, rows_read, rows_written, note, warning,
       params, from_at, to_at, backfill_id, retry_of, fence
from closed
order by queued_at, run_id
