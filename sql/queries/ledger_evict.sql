-- lib/ledger, a worker that may claim partitions but finds them locked: ends the sessions whose transactions hold them
-- although their owner no longer shows that it is alive (a frozen process), or is this worker's own former process.
-- A row's xmax is the transaction that has locked it.
select l.pid, pg_terminate_backend(l.pid)
from dag.stream_offsets o
join pg_locks l on l.locktype = 'transactionid' and l.granted and l.transactionid = o.xmax and l.pid <> pg_backend_pid()
where o.job = $1 and o.topic = $2 and o.partition = any($3::integer[])
  and (o.owner = $4
       or o.lease_until < clock_timestamp()
          and not exists (select from dag.stream_members m where m.job = o.job and m.member = o.owner and m.until > clock_timestamp()))
