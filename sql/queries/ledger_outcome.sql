-- lib/ledger, a worker whose connection broke or whose guard found nothing: who owns the partition, how far it is, and
-- what became of the batch that began at an offset, if it was committed.
select o.epoch, o.owner, o.next_offset, b.next_offset, b.inserted, b.late, b.duplicates, b.dead, b.held, b.future
from dag.stream_offsets o
left join dag.stream_batches b
  on (b.job, b.topic, b.partition) = (o.job, o.topic, o.partition) and b.first_offset = $4
where o.job = $1 and o.topic = $2 and o.partition = $3
