-- jobs/stream, before it reads anything: what would be silenced in a session with session_replication_role = replica:
-- ordinary triggers, and foreign keys other than the ones of one column that the stream checks itself.
select format('trigger %I', tgname)
from pg_trigger
where tgrelid = to_regclass($1) and not tgisinternal and tgenabled = 'O'
union all
select format('foreign key %I', c.conname)
from pg_constraint c
where c.conrelid = to_regclass($1) and c.contype = 'f'
  and not exists (
      select from unnest($2::text[], $3::text[], $4::text[]) as r (col, dim, dimcol)
      where c.conkey = array[(select attnum from pg_attribute where attrelid = c.conrelid and attname = r.col)]
        and c.confrelid = to_regclass(r.dim)
        and c.confkey = array[(select attnum from pg_attribute where attrelid = c.confrelid and attname = r.dimcol)])
order by 1
