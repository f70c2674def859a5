-- lib/ledger, `dag deadletters replay`, while it waits: what has become of the dead letters it asked for. Pending ones
-- are still to be tried. Each is looked up by its key, whatever the statistics say.
select count(*) filter (where d.replay_at is not null), count(d."offset") filter (where d.replay_at is null), count(h."offset")
from unnest($3::integer[], $4::bigint[]) as m (partition, "offset")
left join lateral (
    select "offset", replay_at from dag.dead_letters
    where job = $1 and topic = $2 and partition = m.partition and "offset" = m."offset" limit 1) d on true
left join lateral (
    select "offset" from dag.held_rows
    where job = $1 and topic = $2 and partition = m.partition and "offset" = m."offset" limit 1) h on true
