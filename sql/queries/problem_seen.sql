-- lib/ledger, in a batch's transaction when it has something to count: messages with something wrong, by what it is. A
-- kind has at most a hundred subjects in a partition; what comes beyond is counted under one name.
with seen as (
    select s.kind, s.n, s.example, s."offset", s.advice,
           case when exists (select from dag.stream_problems p
                             where (p.job, p.topic, p.partition, p.kind, p.subject) = ($1, $2, $3, s.kind, s.subject))
                  or (select count(*) from dag.stream_problems p where (p.job, p.topic, p.partition, p.kind) = ($1, $2, $3, s.kind))
                     + row_number() over (partition by s.kind order by s."offset", s.subject) <= 100
                then s.subject else '(others)' end as subject
    from unnest($4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::text[])
      as s (kind, subject, n, example, "offset", advice)
)
insert into dag.stream_problems as p (job, topic, partition, kind, subject, count, example, "offset", advice)
select $1, $2, $3, kind, subject, sum(n), (array_agg(example order by "offset"))[1], min("offset"), min(advice)
from seen
group by kind, subject
order by kind, subject
on conflict (job, topic, partition, kind, subject) do update
set count = case when p.cleared_at is null then p.count else 0 end + excluded.count,
    example = case when p.cleared_at is null then p.example else excluded.example end,
    "offset" = case when p.cleared_at is null then p."offset" else excluded."offset" end,
    first_seen = case when p.cleared_at is null then p.first_seen else clock_timestamp() end,
    advice = excluded.advice, last_seen = clock_timestamp(), cleared_at = null
