-- lib/ledger, in each batch's transaction: what its messages became.
insert into dag.stream_batches (job, topic, partition, epoch, first_offset, next_offset, messages, inserted, late,
                                duplicates, dead, held, future, conflicts, min_event_time, max_event_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
