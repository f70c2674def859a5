-- lib/ledger: a rollup has taken up the rows from $2 to $3. The same condition as that of the rows themselves.
update dag.stream_rollups set until = $3, updated_at = clock_timestamp()
where table_name = $1 and until is not distinct from $2 and current = $4
