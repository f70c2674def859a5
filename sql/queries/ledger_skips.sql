-- lib/ledger, `dag verify` and `dag status`: where a person let a stream go on although its log had not all.
select topic, partition, kind, first_offset, next_offset, moved_by, note, skipped_at
from dag.stream_skips
where job = $1
order by topic, partition, skipped_at, first_offset
