-- The effect of one job in one wave, once a run: a sum over the effects of the jobs before it in the same wave, so that a job
-- that came too early, twice or not at all shows in every number after it.
insert into effects (job, run_id, wave, value)
select :job::text, :run_id::text, w.wave, 1 + coalesce(sum(e.value), 0)
from (select 1 + count(*) as wave from effects where job = :job::text and run_id <> :run_id::text) w
left join effects e on e.wave = w.wave and e.job = any (string_to_array(:ups::text, ','))
group by w.wave
on conflict (job, run_id) do nothing;
select pg_sleep(:ms::float8 / 1000);
