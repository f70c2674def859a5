-- dag/runstore: the tries of a run that ended.
select attempt, state, started_at, coalesce(ended_at, started_at), error from dag.attempts where run_id = $1 order by attempt
