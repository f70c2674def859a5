-- lib/ledger, a stream's coordinator when something has changed: a state of trouble, with how long it has lasted. Ages
-- are given and not times, since only the database's clock counts. The last one is null while the state lasts.
insert into dag.stream_problems as p (job, topic, partition, kind, count, example, "offset", advice, first_seen, last_seen, cleared_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() - $9 * interval '1 microsecond',
        clock_timestamp() - $10 * interval '1 microsecond', clock_timestamp() - $11::bigint * interval '1 microsecond')
on conflict (job, topic, partition, kind, subject) do update
set count = excluded.count, example = excluded.example, "offset" = excluded."offset", advice = excluded.advice,
    first_seen = case when p.cleared_at is null then least(p.first_seen, excluded.first_seen) else excluded.first_seen end,
    last_seen = excluded.last_seen, cleared_at = excluded.cleared_at
