-- Run by load.csv: the columns of table $1, in order, with their place in the primary key.
select a.attname as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       t.typcategory::text as category,
       coalesce(a.atttypmod - 4, 0) * (a.atttypid in ('varchar'::regtype, 'bpchar'::regtype) and a.atttypmod > 4)::integer as max_length,
       a.attnotnull as not_null,
       a.atthasdef or a.attidentity <> '' as has_default,
       a.attgenerated <> '' or a.attidentity = 'a' as generated,
       coalesce(array_position(k.conkey, a.attnum), 0) as key_place
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum
