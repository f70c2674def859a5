-- dag/runstore: a run starts; its lease says that its process is alive. A run that was closed because its process had
-- died is opened again by whoever knows its new fence. The commit waits for no disk: whatever the run itself commits
-- comes later in the same log, so a crash that loses this row loses the run's work too.
insert into dag.runs (run_id, job, state, trigger, as_of, ledger, instance, lease_until, started_at, params, from_at, to_at, backfill_id, retry_of, fence)
select $1, $2, $3, $4, $5, $6, $7, now() + $8::interval, $9, $10, $11, $12, $13, $14, $15
where set_config('synchronous_commit', 'off', true) = 'off'
on conflict (run_id) do update
set state = excluded.state, instance = excluded.instance, lease_until = excluded.lease_until, ended_at = null, error = ''
where dag.runs.state = 'canceled' and dag.runs.fence = excluded.fence and excluded.fence > 0
