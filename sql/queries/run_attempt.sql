-- dag/runstore: one try of a run ended.
insert into dag.attempts (run_id, attempt, state, started_at, ended_at, error)
values ($1, $2, $3, $4, $5, $6)
