-- dag/runstore, for `dag pause`: no new run of a job. A second pause changes the reason, not the time.
insert into dag.pauses (job, reason) values ($1, $2) on conflict (job) do update set reason = excluded.reason
