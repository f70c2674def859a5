-- lib/ledger, in a batch's transaction: rows that came after their window had ended.
insert into dag.late_rows (job, topic, partition, "offset", event_time, watermark, row_key, included)
select $1, $2, $3, l."offset", l.event_time, l.watermark, array(select jsonb_array_elements_text(l.row_key::jsonb)), l.included
from unnest($4::bigint[], $5::timestamp[], $6::timestamp[], $7::text[], $8::boolean[])
  as l ("offset", event_time, watermark, row_key, included)
on conflict do nothing
