-- dag/runstore: a run starts; its lease says that its process is alive.
insert into dag.runs (run_id, job, state, trigger, as_of, ledger, instance, lease_until, started_at)
values ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval, $9)
