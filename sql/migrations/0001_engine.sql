-- The engine's own tables: progress of streams, what they could not store, and the history of runs.
create schema if not exists dag;

-- One row per partition a stream reads. A worker claims it by raising epoch; every batch moves next_offset
-- "where epoch = mine and next_offset = what I read from", so that only one worker can ever write it.
create table dag.stream_offsets (
    job            text        not null,
    topic          text        not null,
    partition      integer     not null,
    first_offset   bigint      not null default 0, -- where the ledger of the partition begins
    next_offset    bigint      not null default 0,
    epoch          bigint      not null default 0,
    owner          text        not null default '',
    lease_until    timestamptz not null default '-infinity',
    max_event_time timestamp,                    -- greatest event time before next_offset; far-future ones left out
    rows           bigint      not null default 0, -- rows inserted since the log began; gates count with it
    log_end        bigint      not null default 0, -- end of the log as the owner last saw it; lag is log_end - next_offset
    cluster_id     text        not null default '',
    topic_id       text        not null default '',
    updated_at     timestamptz not null default now(),
    primary key (job, topic, partition)
) with (fillfactor = 50);

-- Live workers of a stream. Each takes its share of the partitions; a row that is not renewed lapses.
create table dag.stream_members (
    job    text        not null,
    member text        not null,
    until  timestamptz not null,
    primary key (job, member)
);

-- One row per committed batch: what the offsets [first_offset, next_offset) became. When a held row or a dead letter of
-- it finds its place later, its entry is corrected in that transaction, so that it always says what they are now.
create table dag.stream_batches (
    batch_id       bigint generated always as identity primary key,
    job            text        not null,
    topic          text        not null,
    partition      integer     not null,
    epoch          bigint      not null,
    first_offset   bigint      not null,
    next_offset    bigint      not null,
    messages       bigint      not null,  -- offsets that held a message; the rest are control batches and gaps
    inserted       bigint      not null,  -- rows new in the raw table, late ones among them
    late           bigint      not null,  -- of the inserted: behind the watermark
    duplicates     bigint      not null,
    dead           bigint      not null,
    held           bigint      not null,
    dropped        bigint      not null default 0, -- dead letters that a person has thrown away
    min_event_time timestamp,
    max_event_time timestamp,
    committed_at   timestamptz not null default clock_timestamp(),
    unique (job, topic, partition, first_offset)
);
create index on dag.stream_batches (job, committed_at);

-- Messages that can never become a row: not JSON, wrong type, missing field.
create table dag.dead_letters (
    job         text        not null,
    topic       text        not null,
    partition   integer     not null,
    "offset"    bigint      not null,
    key         bytea,
    value       bytea,
    headers     jsonb       not null default '[]',
    reason      text        not null,
    watermark   timestamp,                -- at the message's own place in the log; null: none yet
    replay_at   timestamptz,              -- a person asked that it is tried again; the partition's owner does it
    received_at timestamptz not null default clock_timestamp(),
    primary key (job, topic, partition, "offset")
);
create index on dag.dead_letters (job, topic, partition) where replay_at is not null;

-- Messages that wait for a dimension row. watermark is the one at the message's own place in the log.
create table dag.held_rows (
    job         text        not null,
    topic       text        not null,
    partition   integer     not null,
    "offset"    bigint      not null,
    key         bytea,
    value       bytea,
    headers     jsonb       not null default '[]',
    missing     text        not null,     -- 'dim_products.product_id=LAPTOP-999'
    needs       text[]      not null default '{}', -- the same one by one; all of them must be there
    event_time  timestamp,
    watermark   timestamp,
    held_at     timestamptz not null default clock_timestamp(),
    primary key (job, topic, partition, "offset")
);

-- Rows that came after their window had ended; they stand in the raw table.
create table dag.late_rows (
    job        text        not null,
    topic      text        not null,
    partition  integer     not null,
    "offset"   bigint      not null,
    event_time timestamp   not null,
    watermark  timestamp   not null,
    row_key    text[],                    -- values of the raw table's key, in its order
    noted_at   timestamptz not null default clock_timestamp(),
    primary key (job, topic, partition, "offset")
);

create table dag.runs (
    run_id       text        primary key,
    job          text        not null,
    state        text        not null,
    trigger      text        not null,      -- what began it, in words: 'every 1m', '1,204 rows of stream.transactions'
    as_of        timestamptz not null,
    params       jsonb       not null default '{}',
    ledger       jsonb       not null default '{}',  -- stream -> rows committed when the run began
    instance     text        not null,
    lease_until  timestamptz not null,
    queued_at    timestamptz not null default clock_timestamp(),
    started_at   timestamptz,
    ended_at     timestamptz,
    error        text        not null default '',
    rows_read    bigint      not null default 0,
    rows_written bigint      not null default 0,
    note         text        not null default ''
);
create index on dag.runs (job, queued_at desc);

create table dag.attempts (
    run_id     text        not null references dag.runs on delete cascade,
    attempt    integer     not null,
    state      text        not null,
    started_at timestamptz not null,
    ended_at   timestamptz,
    error      text        not null default '',
    primary key (run_id, attempt)
);

-- How many rows of a stream a job's last successful run had seen; moves in the transaction that records the run.
create table dag.gate_cursors (
    job        text        not null,
    stream     text        not null,
    rows       bigint      not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (job, stream)
);
