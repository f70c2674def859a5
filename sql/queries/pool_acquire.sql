-- dag/runstore: a share of a pool for a run, if the live shares of others leave room for it.
with gone as (
    delete from dag.pool_leases where pool = $1 and until < now()
)
insert into dag.pool_leases (pool, run_id, cost, until)
select $1, $2, $3::integer, now() + $4::interval
where $5 >= $3::integer + (select coalesce(sum(cost), 0) from dag.pool_leases where pool = $1 and until >= now() and run_id <> $2)
on conflict (pool, run_id) do update set cost = excluded.cost, until = excluded.until
