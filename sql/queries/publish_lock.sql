-- Every job that replaces an output table: one run at a time, by table. Held by the session until publish_unlock.
select pg_advisory_lock(hashtextextended('tillflow.publish.' || $1::text, 0))
