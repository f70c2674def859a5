-- lib/ledger, every second: this worker is alive.
insert into dag.stream_members (job, member, until)
values ($1, $2, clock_timestamp() + $3 * interval '1 microsecond')
on conflict (job, member) do update set until = excluded.until
