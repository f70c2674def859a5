-- dag/runstore, for `dag history`: runs, the newest first. A run whose process no longer says that it is alive is shown
-- as what it is, also before anybody has closed it.
with seen as (
    select *, state = 'running' and lease_until < now() as lapsed
    from dag.runs
    where ($1 = '' or job = $1) and ($2::timestamptz is null or coalesce(started_at, queued_at) >= $2) and ($3 = '' or backfill_id = $3) and (backfill_id = '' or not $7)
), told as (
    select *, case when lapsed then 'canceled' else state end as state_now from seen
)
select run_id, job, state_now, trigger, as_of, ledger, instance, coalesce(started_at, queued_at), case when lapsed then lease_until else ended_at end,
       case when lapsed then $4 else error end, rows_read, rows_written, note, warning, params, from_at, to_at, backfill_id, retry_of, fence
from told
where $5 = '' or state_now = $5
order by queued_at desc, run_id desc
limit $6
