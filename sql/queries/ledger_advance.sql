-- lib/ledger, last in each batch's transaction: moves the partition, under the same condition as the guard.
update dag.stream_offsets
set next_offset = $6, max_event_time = $7, rows = rows + $8, log_end = $9,
    lease_until = clock_timestamp() + $10 * interval '1 microsecond', cluster_id = $11, topic_id = $12,
    updated_at = clock_timestamp()
where job = $1 and topic = $2 and partition = $3 and epoch = $4 and next_offset = $5
