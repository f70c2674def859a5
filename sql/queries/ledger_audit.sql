-- lib/ledger, `dag verify`: everything in the ledger of a stream that does not add up, the first of each partition first.
-- Entries must follow each other without a gap, each must be the sum of its parts, and what is kept elsewhere must be
-- as much as they say.
with entries as (
    select *, lag(next_offset) over (partition by topic, partition order by first_offset) as before,
           row_number() over (partition by topic, partition order by first_offset desc) = 1 as last
    from dag.stream_batches where job = $1
), kept as (
    select 'dead letters' as what, topic, partition, "offset" from dag.dead_letters where job = $1
    union all
    select 'held rows', topic, partition, "offset" from dag.held_rows where job = $1
    union all
    select 'late rows', topic, partition, "offset" from dag.late_rows where job = $1
    union all
    select 'rows from the future', topic, partition, "offset" from dag.future_rows where job = $1
), counted as (
    select k.what, k.topic, k.partition, e.first_offset, count(*) as n
    from kept k
    left join lateral (
        select b.first_offset from dag.stream_batches b
        where b.job = $1 and b.topic = k.topic and b.partition = k.partition and b.first_offset <= k."offset" and k."offset" < b.next_offset
        order by b.first_offset desc limit 1) e on true
    group by 1, 2, 3, 4
), said as (
    select 'dead letters' as what, topic, partition, first_offset, next_offset, committed_at, dead as n from entries
    union all
    select 'held rows', topic, partition, first_offset, next_offset, committed_at, held from entries
    union all
    select 'late rows', topic, partition, first_offset, next_offset, committed_at, late from entries
    union all
    select 'rows from the future', topic, partition, first_offset, next_offset, committed_at, future from entries
)
select o.topic, o.partition, e.first_offset, e.next_offset, e.committed_at,
       case when e.first_offset > coalesce(e.before, o.first_offset)
            then format('no entry for offsets %s to %s', coalesce(e.before, o.first_offset), e.first_offset - 1)
            else format('the entry begins at %s, but what is before it reaches to %s', e.first_offset, coalesce(e.before, o.first_offset) - 1) end as problem
from entries e join dag.stream_offsets o using (job, topic, partition)
where e.first_offset <> coalesce(e.before, o.first_offset)
union all
select topic, partition, first_offset, next_offset, committed_at,
       format('%s messages, but inserted %s + duplicates %s + dead %s + held %s + dropped %s are %s', messages, inserted,
              duplicates, dead, held, dropped, inserted + duplicates + dead + held + dropped)
from entries where messages <> inserted + duplicates + dead + held + dropped
union all
select topic, partition, first_offset, next_offset, committed_at,
       format('%s messages in %s offsets', messages, next_offset - first_offset)
from entries where messages > next_offset - first_offset or least(inserted, late, duplicates, dead, held, dropped, future) < 0 or greatest(late, future) > inserted
union all
select topic, partition, first_offset, next_offset, committed_at,
       format('%s conflicts among %s duplicates', conflicts, duplicates)
from entries where conflicts < 0 or conflicts > duplicates
union all
select topic, partition, s.first_offset, s.next_offset, s.committed_at,
       format('%s %s are there, the entry says %s', coalesce(c.n, 0), what, s.n)
from said s left join counted c using (what, topic, partition, first_offset)
where s.n <> coalesce(c.n, 0)
union all
select topic, partition, null, null, null, format('%s %s belong to no entry', n, what)
from counted where first_offset is null
union all
select o.topic, o.partition, e.first_offset, e.next_offset, e.committed_at,
       format('the entries end at offset %s, the partition stands at %s', coalesce(e.next_offset, o.first_offset), o.next_offset)
from dag.stream_offsets o
left join entries e on (e.topic, e.partition) = (o.topic, o.partition) and e.last
where o.job = $1 and o.next_offset <> coalesce(e.next_offset, o.first_offset)
union all
select o.topic, o.partition, null, null, null,
       format('the partition counts %s rows, its entries say %s', o.rows, coalesce(sum(b.inserted), 0))
from dag.stream_offsets o
left join dag.stream_batches b using (job, topic, partition)
where o.job = $1
group by o.job, o.topic, o.partition
having o.rows <> coalesce(sum(b.inserted), 0)
union all
select distinct e.topic, e.partition, null::bigint, null::bigint, null::timestamptz, 'there are entries of a partition that is not registered'
from entries e
where not exists (select from dag.stream_offsets o where (o.job, o.topic, o.partition) = (e.job, e.topic, e.partition))
order by 1, 2, 3 nulls last, 6
