-- lib/ledger, in a batch's transaction: rows that came after their window had ended.
insert into dag.late_rows (job, topic, partition, "offset", event_time, watermark)
select $1, $2, $3, l."offset", l.event_time, l.watermark
from unnest($4::bigint[], $5::timestamp[], $6::timestamp[]) as l ("offset", event_time, watermark)
on conflict do nothing
