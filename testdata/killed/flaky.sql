-- Fails until two attempts of its run have failed by themselves, then does what a step does.
select 1 / least(1, count(*) / 2) from dag.attempts where run_id = :run_id and state = 'failed';
insert into effects (job, run_id, wave, value)
select :job::text, :run_id::text, w.wave, 1 + coalesce(sum(e.value), 0)
from (select 1 + count(*) as wave from effects where job = :job::text and run_id <> :run_id::text) w
left join effects e on e.wave = w.wave and e.job = any (string_to_array(:ups::text, ','))
group by w.wave
on conflict (job, run_id) do nothing;
