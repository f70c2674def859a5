-- jobs/stream, when it keeps rollups: has a table an index on a column, so that rows since a time are found?
select exists (
    select from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = to_regclass($1) and i.indisvalid and a.attname = $2)
