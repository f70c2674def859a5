-- lib/ledger, a stream's coordinator now and then: what is over though nobody has said so. Dead letters and held rows
-- that are gone, fields that were not seen for a day or are declared now ($3), conflicts that were not seen for a day, and
-- states of a process ($2) that has ended without a word. A row that a batch is counting in is left for the next time.
with over as (
    select p.job, p.topic, p.partition, p.kind, p.subject
    from dag.stream_problems p
    where p.job = $1 and p.cleared_at is null and case
        when p.kind = 'dead-letter' then not exists (
            select from dag.dead_letters d
            where (d.job, d.topic, d.partition) = (p.job, p.topic, p.partition)
              and (p.subject = '(others)' or d.reason like replace(replace(replace(replace(p.subject, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')))
        when p.kind = 'held' then not exists (
            select from dag.held_rows h
            where (h.job, h.topic, h.partition) = (p.job, p.topic, p.partition)
              and (p.subject = '(others)' or exists (select from unnest(h.needs) as n where starts_with(n, p.subject || '='))))
        when p.kind = 'unknown-field' then p.subject = any($3::text[]) or p.last_seen < clock_timestamp() - interval '1 day'
        when p.kind = 'conflict' then p.last_seen < clock_timestamp() - interval '1 day'
        when p.kind = any($2::text[]) then p.last_seen < clock_timestamp() - interval '1 minute'
        else false end
    for update skip locked
)
update dag.stream_problems p
set cleared_at = clock_timestamp()
from over o
where (p.job, p.topic, p.partition, p.kind, p.subject) = (o.job, o.topic, o.partition, o.kind, o.subject)
