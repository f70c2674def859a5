-- dag/runstore, for `dag logs`: the log of a run after a place in it.
select seq, attempt, logged_at, text from dag.run_logs where run_id = $1 and seq > $2 order by seq
