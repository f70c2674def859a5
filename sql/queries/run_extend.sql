-- dag/runstore: a process says that its runs are alive.
update dag.runs set lease_until = now() + $2::interval where instance = $1 and state = 'running'
