-- lib/ledger, in a batch's transaction: no rollup of the stream takes up rows until it ends. Batches do not wait for each other.
select pg_advisory_xact_lock_shared(hashtextextended('tillflow rollups of ' || $1, 0))
