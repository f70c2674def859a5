-- lib/ledger, when a stream starts or its topic grew: a row for each partition, which begins where its log begins.
insert into dag.stream_offsets (job, topic, partition, first_offset, next_offset)
select $1, $2, p.partition, p.log_start, p.log_start
from unnest($3::integer[], $4::bigint[]) as p (partition, log_start)
order by p.partition
on conflict do nothing
