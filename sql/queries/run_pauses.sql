-- dag/runstore: the paused jobs.
select job, reason, paused_at from dag.pauses
