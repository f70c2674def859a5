-- lib/ledger, now and then by the owner of a partition: old entries become one entry an hour, so that the ledger stays
-- small and still adds up. Only entries of its own past are touched, so nobody else writes them.
with old as (
    delete from dag.stream_batches
    where job = $1 and topic = $2 and partition = $3 and committed_at < clock_timestamp() - interval '1 hour'
      and date_trunc('hour', committed_at) in (
          select date_trunc('hour', committed_at)
          from dag.stream_batches
          where job = $1 and topic = $2 and partition = $3 and committed_at < clock_timestamp() - interval '1 hour'
          group by 1 having count(*) > 1)
    returning *
)
insert into dag.stream_batches (job, topic, partition, epoch, first_offset, next_offset, messages, inserted, late,
                                duplicates, dead, held, dropped, future, conflicts, min_event_time, max_event_time, committed_at)
select job, topic, partition, max(epoch), min(first_offset), max(next_offset), sum(messages), sum(inserted), sum(late),
       sum(duplicates), sum(dead), sum(held), sum(dropped), sum(future), sum(conflicts), min(min_event_time), max(max_event_time), max(committed_at)
from old
group by job, topic, partition, date_trunc('hour', committed_at)
