-- jobs/stream, the owner of a partition when it starts and after held rows moved: what they wait for. Empty needs are not
-- known, and such a row is to be tried.
select distinct needs from dag.held_rows where job = $1 and topic = $2 and partition = $3
