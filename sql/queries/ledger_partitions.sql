-- lib/ledger, gates, status and pages: how far each partition of a stream is.
select topic, partition, next_offset, log_end, rows, epoch, owner,
       lease_until > clock_timestamp() as live, max_event_time, updated_at
from dag.stream_offsets
where job = $1
order by topic, partition
