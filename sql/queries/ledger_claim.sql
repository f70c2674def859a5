-- lib/ledger, a worker that wants a partition: takes it when its lease is free, lapsed, or the worker's own from before
-- a restart. A row that another transaction has locked is not waited for.
with free as (
    select job, topic, partition
    from dag.stream_offsets
    where job = $1 and topic = $2 and partition = $3
      and (owner = $4 or owner = '' or lease_until < clock_timestamp())
    for update skip locked
)
update dag.stream_offsets o
set epoch = o.epoch + 1, owner = $4, lease_until = clock_timestamp() + $5 * interval '1 microsecond'
from free
where (o.job, o.topic, o.partition) = (free.job, free.topic, free.partition)
returning o.epoch, o.next_offset, o.max_event_time, o.cluster_id, o.topic_id
