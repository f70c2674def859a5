-- dag/runstore, for `dag resume`.
delete from dag.pauses where job = $1
