-- ml.segments writes down which run made the rows of a table and a time.
insert into segment_runs (table_name, kind, as_of, run_id, parameters, rows_read, customers, ties_differ)
values ($1, $2, $3, $4, $5, $6, $7, $8)
