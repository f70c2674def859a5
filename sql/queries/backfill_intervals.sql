-- dag/runstore, for `dag backfill`: the state of each interval. One whose run is in hand says so for as long as the run's
-- process is alive.
select i.from_at, i.to_at, case when r.run_id is null then i.state else 'running' end, coalesce(r.run_id, i.run_id)
from dag.backfill_intervals i
left join dag.runs r on r.backfill_id = i.backfill_id and r.from_at = i.from_at and r.to_at = i.to_at
                    and r.state = 'running' and r.lease_until >= now() and r.backfill_id <> ''
where i.backfill_id = $1
order by i.from_at, i.to_at
