-- lib/ledger, `dag verify`: what the ledger says each partition's messages became.
select o.topic, o.partition, o.first_offset, o.next_offset, o.rows,
       coalesce(sum(b.messages), 0)::bigint, coalesce(sum(b.inserted), 0)::bigint, coalesce(sum(b.late), 0)::bigint,
       coalesce(sum(b.duplicates), 0)::bigint, coalesce(sum(b.dead), 0)::bigint, coalesce(sum(b.held), 0)::bigint,
       coalesce(sum(b.dropped), 0)::bigint, coalesce(sum(b.future), 0)::bigint, coalesce(sum(b.conflicts), 0)::bigint
from dag.stream_offsets o
left join dag.stream_batches b using (job, topic, partition)
where o.job = $1
group by o.job, o.topic, o.partition
order by o.topic, o.partition
