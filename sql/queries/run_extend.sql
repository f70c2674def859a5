-- dag/runstore: a process says that its runs are alive, and with them their shares of pools.
with alive as (
    update dag.runs set lease_until = now() + $2::interval where instance = $1 and state = 'running' returning run_id
)
update dag.pool_leases p set until = now() + $2::interval from alive where p.run_id = alive.run_id
