-- lib/ledger, in a batch's transaction: messages that can never become a row.
insert into dag.dead_letters (job, topic, partition, "offset", key, value, headers, reason, watermark, log_time)
select $1, $2, $3, d."offset", d.key, d.value, d.headers::jsonb, d.reason, d.watermark, d.log_time
from unnest($4::bigint[], $5::bytea[], $6::bytea[], $7::text[], $8::text[], $9::timestamp[], $10::timestamp[])
  as d ("offset", key, value, headers, reason, watermark, log_time)
on conflict do nothing
