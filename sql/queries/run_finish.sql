-- dag/runstore: a run ended, unless somebody else has closed it or taken it over meanwhile. In the same transaction the
-- job's cursors move, the try that ended the run is recorded, and the run's shares of pools are free. Cursors never go
-- back: a run that is made again with the position of long ago takes no row from those that came after it.
with closed as (
    update dag.runs
    set state = $2, ended_at = $3, error = $4, rows_read = $5, rows_written = $6, note = $7, warning = $8
    where run_id = $1 and state = 'running' and fence = $9
    returning run_id, job, backfill_id, from_at, to_at
), moved as (
    insert into dag.gate_cursors as c (job, stream, rows, watermark)
    select job, stream, rows, mark
    from closed, unnest($10::text[], $11::bigint[], $12::timestamptz[]) as u (stream, rows, mark)
    order by stream
    on conflict (job, stream) do update
    set rows = greatest(c.rows, excluded.rows), watermark = greatest(c.watermark, excluded.watermark), updated_at = clock_timestamp()
), tried as (
    insert into dag.attempts (run_id, attempt, state, started_at, ended_at, error)
    select run_id, $13, $14, $15::timestamptz, $16::timestamptz, $17 from closed where $13 > 0
), interval_done as (
    update dag.backfill_intervals i set state = $2, run_id = closed.run_id
    from closed where closed.backfill_id <> '' and i.backfill_id = closed.backfill_id and i.from_at = closed.from_at
      and i.to_at = closed.to_at
), freed as (
    delete from dag.pool_leases p using closed where p.run_id = closed.run_id
)
select count(*) from closed
