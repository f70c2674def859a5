-- lib/ledger, in a batch's transaction: rows from so far in the future that they moved no watermark.
insert into dag.future_rows (job, topic, partition, "offset", event_time, log_time, row_key)
select $1, $2, $3, f."offset", f.event_time, f.log_time, array(select jsonb_array_elements_text(f.row_key::jsonb))
from unnest($4::bigint[], $5::timestamp[], $6::timestamp[], $7::text[]) as f ("offset", event_time, log_time, row_key)
on conflict do nothing
