-- dag/runstore: one try of a run ended. The commit waits for no disk, as in run_begin.
insert into dag.attempts (run_id, attempt, state, started_at, ended_at, error)
select $1, $2, $3, $4, $5, $6
where set_config('synchronous_commit', 'off', true) = 'off'
