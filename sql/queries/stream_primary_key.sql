-- jobs/stream, before it reads anything: the columns of a table's primary key.
select a.attname
from pg_index i
cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = to_regclass($1) and i.indisprimary
order by k.place
