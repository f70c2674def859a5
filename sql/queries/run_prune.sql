-- dag/runstore: forget runs that ended long ago, but never the last one of a job's own schedule.
delete from dag.runs r
where r.ended_at < $1
  and (r.backfill_id <> ''
       or exists (select from dag.runs newer where newer.job = r.job and newer.backfill_id = '' and newer.queued_at > r.queued_at))
