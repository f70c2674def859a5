-- dag/runstore: close the runs of processes that ended without saying so: those of this instance, which has just
-- started and so runs nothing, and those whose lease has lapsed.
update dag.runs
set state = 'canceled', ended_at = clock_timestamp(), error = 'interrupted: its process ended'
where state = 'running' and (instance = $1 or lease_until < now())
