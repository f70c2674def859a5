-- lib/ledger, before a rollup takes up rows: waits for the batches that are being written; others wait.
select pg_advisory_xact_lock(hashtextextended('tillflow rollups of ' || $1, 0))
