-- jobs/stream, when it keeps rollups: the BRIN index of a table on a column, if it has one; blocks in a range; blocks of the table.
select i.indexrelid::regclass::text,
       coalesce((select option_value::bigint from pg_options_to_table(c.reloptions) where option_name = 'pages_per_range'), 128),
       pg_relation_size(i.indrelid) / current_setting('block_size')::bigint
from pg_index i
join pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
join pg_am m on m.oid = c.relam and m.amname = 'brin'
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
where i.indrelid = to_regclass($1) and i.indisvalid and i.indpred is null and a.attname = $2
limit 1
