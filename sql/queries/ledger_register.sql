-- lib/ledger, each time a stream starts: what it is set to, so that SQL knows its watermark and which windows are closed.
-- A window table that another job kept, which nobody runs any more (it was given another name), is its own from now on.
with stream as (
    insert into dag.streams (job, topic, delay, idle_after, max_skew, late)
    values ($1, $2, $3 * interval '1 microsecond', $4 * interval '1 microsecond', $5 * interval '1 microsecond', $6)
    on conflict (job) do update
    set topic = excluded.topic, delay = excluded.delay, idle_after = excluded.idle_after, max_skew = excluded.max_skew,
        late = excluded.late, started_at = excluded.started_at
), declared as (
    select to_regclass(w.name)::text as table_name, w.size * interval '1 microsecond' as size, w.step * interval '1 microsecond' as step
    from unnest($7::text[], $8::bigint[], $9::bigint[]) as w (name, size, step)
), gone as (
    delete from dag.stream_windows where job = $1 and table_name not in (select table_name from declared)
), inherited as (
    delete from dag.stream_windows w using declared d
    where w.table_name = d.table_name and w.job <> $1
      and not exists (select from dag.stream_members m where m.job = w.job and m.until > clock_timestamp())
)
insert into dag.stream_windows (job, table_name, size, step)
select $1, table_name, size, step from declared
on conflict (job, table_name) do update set size = excluded.size, step = excluded.step
