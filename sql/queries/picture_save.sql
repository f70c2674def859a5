-- dag/picture, every few seconds: takes or keeps the rows of pipeline $1 for process $2 until $3 from now, and writes the
-- jobs that have changed, $4. Gives 0 when another process has them. A new state of a stream is noted.
with mine as (
    insert into dag.pipelines as p (pipeline, instance, until) values ($1, $2, clock_timestamp() + $3::interval)
    on conflict (pipeline) do update
        set instance = excluded.instance, until = excluded.until,
            began_at = case when p.instance = excluded.instance then p.began_at else clock_timestamp() end
        where p.instance = excluded.instance or p.until < clock_timestamp()
    returning pipeline
), told as (
    select *
    from mine, jsonb_to_recordset($4) as j (
        job text, place integer, kind text, uses text, opens text, needs jsonb, state text, note text, waits_for text,
        conditions jsonb, opens_at timestamptz, trigger text, paused text, restarts integer, error text)
), states as (
    insert into dag.stream_states (job, state, note)
    select t.job, t.state, t.note
    from told t left join dag.jobs was using (job)
    where t.kind = 'stream' and t.state is distinct from was.state
), jobs as (
    insert into dag.jobs as j (job, pipeline, place, kind, uses, opens, needs, state, note, waits_for, conditions, opens_at,
                               trigger, paused, restarts, error)
    select job, pipeline, place, kind, uses, opens, needs, state, note, waits_for, conditions, opens_at, trigger, paused, restarts,
           error
    from told
    on conflict (job) do update
        set pipeline = excluded.pipeline, place = excluded.place, kind = excluded.kind, uses = excluded.uses,
            opens = excluded.opens, needs = excluded.needs, state = excluded.state,
            state_since = case when j.state = excluded.state then j.state_since else now() end,
            note = excluded.note, waits_for = excluded.waits_for, conditions = excluded.conditions,
            opens_at = excluded.opens_at, trigger = excluded.trigger, paused = excluded.paused,
            restarts = excluded.restarts, error = excluded.error, updated_at = clock_timestamp()
)
select count(*)::integer from mine
