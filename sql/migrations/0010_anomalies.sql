-- What stands beside the anomalies: which run judged what, and which series could be judged at all.

-- Which run judged which time, from how much and with which settings. A row of a table of anomalies names the run that
-- last changed it. Runs that no row names any more go after 30 days.
create table anomaly_runs (
    table_name   varchar,
    run_id       varchar,
    as_of        timestamp   not null,
    judged_from  timestamp,                -- null: all there was
    closed_until timestamp   not null,     -- end of the last window that was complete, and judged
    rows_read    bigint      not null,     -- of the query's result
    series       integer     not null,
    windows      bigint      not null,     -- of all series, those without a sale too
    parameters   jsonb       not null,
    written_at   timestamptz not null default clock_timestamp(),
    primary key (table_name, run_id)
);
create index anomaly_runs_written_at on anomaly_runs (table_name, written_at desc);

-- Which series could be judged in the days that make a season. Where so little sells that a lack of sales means nothing,
-- the state is 'too sparse', and no drop is reported; a page can say so.
create table anomaly_series (
    table_name   varchar,
    product_id   varchar,
    state        varchar   not null check (state in ('judged', 'too sparse', 'silent', 'new')),
    judged       bigint    not null,       -- windows with enough before them to be judged by
    sparse       bigint    not null,       -- of those: even an hour without a sale would not be a drop
    orders       bigint    not null,
    first_window timestamp not null,       -- with a row, as far as the run looked back
    last_window  timestamp not null,       -- with a row
    run_id       varchar   not null,       -- that last changed this row
    primary key (table_name, product_id)
);

-- Late rows that changed their windows, by when: what has to be judged anew.
create index late_rows_included on dag.late_rows (job, noted_at) where included;
