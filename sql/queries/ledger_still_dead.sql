-- lib/ledger, in the transaction that tried them again: dead letters that stay, with the reason they have now.
update dag.dead_letters d
set reason = s.reason, replay_at = null
from unnest($4::bigint[], $5::text[]) as s ("offset", reason)
where d.job = $1 and d.topic = $2 and d.partition = $3 and d."offset" = s."offset"
  and d."offset" between (select min(o) from unnest($4::bigint[]) o) and (select max(o) from unnest($4::bigint[]) o)
