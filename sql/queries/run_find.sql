-- dag/runstore: runs whose id begins or ends with what a person typed.
select run_id from dag.runs where starts_with(run_id, $1) or right(run_id, length($1)) = $1 order by run_id desc limit 2
