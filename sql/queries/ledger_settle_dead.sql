-- lib/ledger, in the transaction that found their place: dead letters that are no longer dead. The range keeps the scan of the
-- index short when the table is new and has no statistics.
delete from dag.dead_letters
where job = $1 and topic = $2 and partition = $3 and "offset" = any($4::bigint[])
  and "offset" between (select min(o) from unnest($4::bigint[]) o) and (select max(o) from unnest($4::bigint[]) o)
