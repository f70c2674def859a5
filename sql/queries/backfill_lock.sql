-- dag/runstore, for `dag backfill`: one process works on a backfill; the lock ends with its session.
select pg_try_advisory_lock(hashtextextended('backfill ' || $1, 0))
