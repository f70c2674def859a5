-- jobs/stream, `dag verify`: entries with fewer messages than offsets. A log with transactions or compaction has such
-- gaps; whether they are ones can be seen only in the log itself.
select partition, first_offset, next_offset, messages, committed_at
from dag.stream_batches
where job = $1 and topic = $2 and messages < next_offset - first_offset
order by partition, first_offset
