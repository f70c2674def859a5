-- dag/runstore: a run ended. One that somebody else has closed meanwhile stays closed.
update dag.runs
set state = $2, ended_at = $3, error = $4, rows_read = $5, rows_written = $6, note = $7
where run_id = $1 and state = 'running'
