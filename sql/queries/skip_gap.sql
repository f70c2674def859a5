-- lib/ledger, `dag skip --to-start`: an entry without messages for the offsets that the log no longer has, so that entries
-- still follow each other.
insert into dag.stream_batches (job, topic, partition, epoch, first_offset, next_offset, messages, inserted, late, duplicates, dead, held)
values ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, 0)
