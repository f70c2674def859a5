-- lib/ledger, `dag skip`, last: what was skipped, for `dag verify` and for those who ask later.
insert into dag.stream_skips (job, topic, partition, kind, first_offset, next_offset, moved_by, note)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning skipped_at
