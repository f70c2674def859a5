-- dag/runstore, for `dag backfill`.
select pg_advisory_unlock(hashtextextended('backfill ' || $1, 0))
