-- dag/runstore, for `dag backfill`: a backfill is known; asking again finds it.
insert into dag.backfills (backfill_id, job, step, params) values ($1, $2, $3, $4) on conflict (backfill_id) do nothing
