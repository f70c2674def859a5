-- Run by `dag test`: what the checks of the latest run of each of the jobs $1 found, if that was not before $2.
select r.job, r.name, r.kind, r.target, r.severity, r.state, r.bad_rows, r.message, r.examples::text as examples, r.took_ms
from dag.check_results r
where r.run_id in (select distinct on (l.job) l.run_id from dag.check_results l where l.job = any ($1) and l.checked_at >= $2 order by l.job, l.checked_at desc)
order by array_position($1, r.job), r.place
