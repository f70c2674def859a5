-- ml.anomalies: the earliest event that changed a closed window of a stream ($1) since the run before ($2). Ten minutes
-- are for batches that were noted before that run and committed after it.
select min(event_time) from dag.late_rows where job = $1 and included and noted_at > $2::timestamptz - interval '10 minutes'
