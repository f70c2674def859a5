-- lib/ledger, gates, status and pages: how far each partition of a stream is.
select topic, partition, next_offset, log_end, rows, epoch, owner,
       lease_until > clock_timestamp() as live, max_event_time, updated_at,
       exists (select from dag.dead_letters d
               where (d.job, d.topic, d.partition) = (o.job, o.topic, o.partition) and d.replay_at is not null) as replay,
       cluster_id, topic_id
from dag.stream_offsets o
where job = $1
order by topic, partition
