-- lib/pg reads a table in ranges of its pages; no row for what is no table. $1 = table.
select pg_relation_size(oid) / current_setting('block_size')::bigint from pg_class where oid = $1::bigint and relkind in ('r', 'm')
