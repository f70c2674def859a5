-- ml.anomalies writes down what a run judged.
insert into anomaly_runs (table_name, run_id, as_of, judged_from, closed_until, rows_read, series, windows, parameters)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (table_name, run_id) do update set
    as_of = excluded.as_of, judged_from = excluded.judged_from, closed_until = excluded.closed_until, rows_read = excluded.rows_read,
    series = excluded.series, windows = excluded.windows, parameters = excluded.parameters, written_at = excluded.written_at
