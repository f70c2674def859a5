-- dag/runstore: how many rows of each stream a job's last successful run had seen, and the watermark it was for.
select stream, rows, watermark from dag.gate_cursors where job = $1
