-- lib/ledger, in a batch's transaction: rows that came after their window had ended.
insert into dag.late_rows (job, topic, partition, "offset", event_time, watermark, row_key)
select $1, $2, $3, l."offset", l.event_time, l.watermark, array(select jsonb_array_elements_text(l.row_key::jsonb))
from unnest($4::bigint[], $5::timestamp[], $6::timestamp[], $7::text[]) as l ("offset", event_time, watermark, row_key)
on conflict do nothing
