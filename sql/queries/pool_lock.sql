-- dag/runstore: one at a time asks for a share of a pool, until its transaction ends.
select pg_advisory_xact_lock(hashtextextended('pool ' || $1, 0))
