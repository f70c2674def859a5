-- lib/ledger, in the transaction that tried them again: held rows that wait for something else now.
update dag.held_rows h
set missing = s.missing, needs = array(select jsonb_array_elements_text(s.needs::jsonb))
from unnest($4::bigint[], $5::text[], $6::text[]) as s ("offset", missing, needs)
where h.job = $1 and h.topic = $2 and h.partition = $3 and h."offset" = s."offset"
  and h."offset" between (select min(o) from unnest($4::bigint[]) o) and (select max(o) from unnest($4::bigint[]) o)
