-- Event time that anybody can ask for: how far a stream is, which windows are closed, what came from the far future, and
-- what late rows did.

-- What a stream is set to, so that SQL knows its watermark. A stream writes it each time it starts.
create table dag.streams (
    job        text        primary key,
    topic      text        not null,
    delay      interval    not null,   -- how long stragglers are waited for
    idle_after interval    not null,   -- a partition that brings nothing for so long holds no window open
    max_skew   interval    not null,   -- an event further ahead of its message's time in the log moves no watermark
    late       text        not null,   -- drop, or include
    started_at timestamptz not null default clock_timestamp()
);

-- The window tables of a stream. table_name is as to_regclass reads it.
create table dag.stream_windows (
    job        text     not null references dag.streams on delete cascade,
    table_name text     not null,
    size       interval not null,
    step       interval not null,      -- how far apart windows begin: the slide, or the size
    primary key (job, table_name)
);

-- How far event time is complete in each partition: its greatest event time less the delay. A partition is idle, and does
-- not hold the others back, when all it has is stored and no batch moved it during the last idle time of the partition
-- that moved last. So while all is quiet, or nothing runs, nothing changes.
create view dag.partition_watermarks as
select o.job, o.topic, o.partition, o.max_event_time - s.delay as watermark,
       o.log_end > o.next_offset
         or o.updated_at >= max(o.updated_at) over (partition by o.job, o.topic) - s.idle_after as active,
       o.max_event_time is null and o.log_end > o.next_offset as unknown -- it has messages whose times nobody knows yet
from dag.stream_offsets o join dag.streams s using (job, topic);

-- A stream's watermark: the least of its active partitions'. Null before any event, and while a partition's first messages
-- are unread, for they may be of any time.
create view dag.watermarks as
select job, topic, case when not bool_or(unknown) then min(watermark) filter (where active) end as watermark,
       count(*) filter (where active) as active_partitions, count(*) as partitions
from dag.partition_watermarks
group by job, topic;

-- The watermark of a stream job, as in: select dag.watermark('stream.transactions'). Null when there is none.
create function dag.watermark(stream text) returns timestamp
language sql stable
as $$ select watermark from dag.watermarks where job = stream $$;

-- The end of the last closed window of a window table, as in:
--   select * from product_metrics_minute where window_end <= dag.closed_until('product_metrics_minute')
-- Null, so that no window meets the condition, when none is closed or no stream is known to write the table. A table that
-- two streams write is as far as the slower one.
create function dag.closed_until(sink regclass) returns timestamp
language sql stable
as $$
    select case when count(*) = count(m.watermark) then
               min(timestamp 'epoch' + floor(extract(epoch from m.watermark) / extract(epoch from w.step))
                                       * extract(epoch from w.step) * interval '1 second') end
    from dag.stream_windows w left join dag.watermarks m using (job)
    where to_regclass(w.table_name) = sink
$$;

-- Rows whose event time is further ahead of their message's time in the log than the stream allows. They stand in the raw
-- table and in their windows like any other, but moved no watermark: one wrong clock must not make everyone else late.
create table dag.future_rows (
    job        text        not null,
    topic      text        not null,
    partition  integer     not null,
    "offset"   bigint      not null,
    event_time timestamp   not null,
    log_time   timestamp   not null,      -- of the message, as the log has it: the broker's or the producer's
    row_key    text[],                    -- values of the raw table's key, in its order
    noted_at   timestamptz not null default clock_timestamp(),
    primary key (job, topic, partition, "offset")
);
alter table dag.stream_batches add column future bigint not null default 0; -- of the inserted: from the far future

-- A message that waits is judged at its own place in the log, so its time there is kept. Null: the log has none.
alter table dag.held_rows    add column log_time timestamp;
alter table dag.dead_letters add column log_time timestamp;

-- A late row was added to its windows (late: include), or left out of them (late: drop).
alter table dag.late_rows add column included boolean not null default false;
