-- lib/ledger, each time a stream starts: what a rollup is. $7: its table is empty, and is filled from the beginning.
insert into dag.stream_rollups (table_name, job, raw_table, key, current, whole)
values (to_regclass($1)::text, $2, to_regclass($3)::text, $4, $5, $6)
on conflict (table_name) do update
set job = excluded.job, raw_table = excluded.raw_table, key = excluded.key, current = excluded.current, whole = excluded.whole,
    until = case when $7 then null else dag.stream_rollups.until end
returning table_name
