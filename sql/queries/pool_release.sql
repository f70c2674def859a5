-- dag/runstore: a run gives its share of a pool back.
delete from dag.pool_leases where pool = $1 and run_id = $2
