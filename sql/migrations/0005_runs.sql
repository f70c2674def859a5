-- The history of runs: takeovers, parameters, logs, pauses, pools and backfills.
alter table dag.runs
    add column fence       bigint      not null default 0,  -- how often its process was taken for dead; guards every later write
    add column from_at     timestamptz,                     -- the interval of a backfill
    add column to_at       timestamptz,
    add column backfill_id text        not null default '', -- such a run is never the job's last and moves no cursor
    add column retry_of    text        not null default '',
    add column warning     text        not null default '',
    add column log_bytes   bigint      not null default 0;
create index on dag.runs (queued_at desc);
create unique index runs_one_per_interval on dag.runs (backfill_id, from_at, to_at) where state = 'running' and backfill_id <> '';
create index on dag.runs (instance) where state = 'running';

-- The last multiple of a watermark condition that a successful run was for; moves as rows does.
alter table dag.gate_cursors alter column rows set default 0, add column watermark timestamptz;

-- What a run wrote, in pieces as they were handed over.
create table dag.run_logs (
    run_id    text        not null references dag.runs on delete cascade,
    seq       bigint      not null,  -- bytes of the log up to the end of this piece, so it grows within a run
    attempt   integer     not null,
    text      text        not null,
    logged_at timestamptz not null default clock_timestamp(),
    primary key (run_id, seq)
);

-- Jobs that a person has paused; no new run of them starts by itself.
create table dag.pauses (
    job       text        primary key,
    reason    text        not null default '',
    paused_at timestamptz not null default clock_timestamp()
);

-- Shares of named pools in use. A share whose holder does not renew it is free again.
create table dag.pool_leases (
    pool   text        not null,
    run_id text        not null,
    cost   integer     not null,
    until  timestamptz not null,
    primary key (pool, run_id)
);

-- Work over past intervals that a person asked for. Its id comes from job, step and parameters, so that the same request
-- finds its own row again and goes on.
create table dag.backfills (
    backfill_id text        primary key,
    job         text        not null,
    step        text        not null,
    params      jsonb       not null default '{}',
    created_at  timestamptz not null default clock_timestamp()
);

create table dag.backfill_intervals (
    backfill_id text        not null references dag.backfills on delete cascade,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    state       text        not null default 'missing', -- missing, or how its last run ended; a run in hand is seen in dag.runs
    run_id      text        not null default '',
    primary key (backfill_id, from_at, to_at)
);
