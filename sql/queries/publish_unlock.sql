-- Every job that replaces an output table, when its run is over.
select pg_advisory_unlock(hashtextextended('tillflow.publish.' || $1::text, 0))
