-- lib/ledger, every second: the leases this worker holds go on. A row that a batch has locked is passed over: the lock
-- itself keeps others away, and the batch's commit extends the lease.
with mine as (
    select o.job, o.topic, o.partition, m.log_end
    from unnest($4::integer[], $5::bigint[], $6::bigint[]) as m (partition, epoch, log_end)
    join dag.stream_offsets o on o.job = $1 and o.topic = $2 and o.partition = m.partition and o.epoch = m.epoch and o.owner = $3
    order by o.partition
    for update of o skip locked
)
update dag.stream_offsets o
set lease_until = clock_timestamp() + $7 * interval '1 microsecond', log_end = greatest(o.log_end, mine.log_end)
from mine
where (o.job, o.topic, o.partition) = (mine.job, mine.topic, mine.partition)
