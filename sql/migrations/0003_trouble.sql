-- What is wrong with a stream, one row for each distinct thing: `dag status` shows it with what to do. Things about
-- messages are counted in the transaction of their batch; states of a stream or a partition come from its coordinator.
create table dag.stream_problems (
    job        text        not null,
    topic      text        not null,
    partition  integer     not null,            -- -1: of the whole stream
    kind       text        not null,            -- dead-letter, held, unknown-field, retention-passed, disk-full, ...
    subject    text        not null default '', -- the reason, with * for the values; the field's name; the dimension
    count      bigint      not null,            -- messages, or tries of something that fails
    example    text        not null,            -- of the first one: short, in one line
    "offset"   bigint,                          -- of the example, where it is one message
    advice     text        not null,            -- what to do about it
    first_seen timestamptz not null default clock_timestamp(),
    last_seen  timestamptz not null default clock_timestamp(),
    cleared_at timestamptz,                     -- when it was over; seen again after that it begins anew
    primary key (job, topic, partition, kind, subject)
) with (fillfactor = 50);

-- Where a person let a partition go on although its log had not all that was to be read (`dag skip`). kind "gap": the
-- offsets [first_offset, next_offset) were removed by retention before they were read, and no message of them is in the
-- tables. kind "new-log": the log was made anew or lost its tail; what the old log's messages became stands at the
-- offsets [first_offset, next_offset), moved by moved_by from where it was, so that the new log has its own offsets free.
create table dag.stream_skips (
    job          text        not null,
    topic        text        not null,
    partition    integer     not null,
    kind         text        not null check (kind in ('gap', 'new-log')),
    first_offset bigint      not null,
    next_offset  bigint      not null,
    moved_by     bigint      not null default 0,
    note         text        not null,
    skipped_at   timestamptz not null default clock_timestamp()
);
create index on dag.stream_skips (job, topic, partition);
