-- dag/runstore: the rows of each stream that a successful run had seen; in the transaction that records the run.
insert into dag.gate_cursors (job, stream, rows)
select $1, stream, rows from unnest($2::text[], $3::bigint[]) as u (stream, rows)
on conflict (job, stream) do update set rows = excluded.rows, updated_at = clock_timestamp()
