-- dag: how far each stream is: rows inserted since its log began, which gates count, offsets dealt with, and messages
-- that wait, as the owners of the partitions last saw the log's end.
select job, sum(rows)::bigint, sum(next_offset)::bigint, sum(greatest(log_end - next_offset, 0))::bigint
from dag.stream_offsets
group by job
