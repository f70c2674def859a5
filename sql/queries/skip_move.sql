-- lib/ledger, `dag skip`: the partition goes on at $4, the start of the log that is there. The epoch rises, so that no worker
-- of before can write. What came before has moved by $5.
update dag.stream_offsets
set next_offset = $4, first_offset = first_offset - $5, log_end = greatest($4, log_end - $5), epoch = epoch + 1, owner = '',
    lease_until = '-infinity', cluster_id = $6, topic_id = $7
where job = $1 and topic = $2 and partition = $3
