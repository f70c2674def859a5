-- lib/ledger, in a batch's transaction: messages that wait for a dimension row.
insert into dag.held_rows (job, topic, partition, "offset", key, value, headers, missing, event_time, watermark, needs, log_time)
select $1, $2, $3, h."offset", h.key, h.value, h.headers::jsonb, h.missing, h.event_time, h.watermark,
       array(select jsonb_array_elements_text(h.needs::jsonb)), h.log_time
from unnest($4::bigint[], $5::bytea[], $6::bytea[], $7::text[], $8::text[], $9::timestamp[], $10::timestamp[], $11::text[], $12::timestamp[])
  as h ("offset", key, value, headers, missing, event_time, watermark, needs, log_time)
on conflict do nothing
