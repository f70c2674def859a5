-- dag/runstore, for `dag backfill`: the intervals that were asked for; those that are known keep their state.
insert into dag.backfill_intervals (backfill_id, from_at, to_at)
select $1, from_at, to_at from unnest($2::timestamptz[], $3::timestamptz[]) as u (from_at, to_at)
on conflict (backfill_id, from_at, to_at) do nothing
