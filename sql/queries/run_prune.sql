-- dag/runstore: forget runs that ended long ago, but never a job's last one.
delete from dag.runs r
where r.ended_at < $1
  and exists (select from dag.runs newer where newer.job = r.job and newer.queued_at > r.queued_at)
