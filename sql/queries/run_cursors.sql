-- dag/runstore: what a job's last successful run had seen.
select stream, rows from dag.gate_cursors where job = $1
