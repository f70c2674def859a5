-- Run by preview.MainTable (`dag report new`): the columns of the table with the most rows, tables with a time before others.
-- Tables of the engine, and those without a row, are left out; what was never analysed counts by its size on disk.
with found as (
    select c.oid, c.relname,
           c.oid::regclass::text as name,
           greatest(c.reltuples, pg_relation_size(c.oid) / 100) as rows,
           exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.atttypid in ('timestamp'::regtype, 'timestamptz'::regtype)) as timed
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text = any (current_schemas(false)) and not c.relispartition
), main as (
    select oid, name from found where rows > 0 order by timed desc, rows desc, relname limit 1
)
select m.name, a.attname::text, format_type(a.atttypid, null),
       exists (select from pg_index i where i.indrelid = m.oid and i.indisprimary and a.attnum = any (i.indkey))
from main m
join pg_attribute a on a.attrelid = m.oid
where a.attnum > 0 and not a.attisdropped
order by a.attnum
