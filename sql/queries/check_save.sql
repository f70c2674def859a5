-- Run by check: keeps what a check found; a further attempt of the same run replaces it.
insert into dag.check_results as c (run_id, job, name, place, kind, target, severity, state, bad_rows, message, examples, took_ms)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (run_id, name) do update
set place = excluded.place, kind = excluded.kind, target = excluded.target, severity = excluded.severity, state = excluded.state,
    bad_rows = excluded.bad_rows, message = excluded.message, examples = excluded.examples, took_ms = excluded.took_ms, checked_at = clock_timestamp()
