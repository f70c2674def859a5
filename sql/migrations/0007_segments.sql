-- What customers were, and who moved. The tables of another `into: x` are made like these, as x_history and x_movements.

-- Segments as of earlier times: of backfills, of runs as of a time that was asked for, and of the first run of each day.
create table customer_segment_history (
    as_of        timestamp,
    customer_id  varchar,
    recency_days integer       not null,
    frequency    bigint        not null,
    monetary     numeric(18,2) not null,
    r_score      smallint      not null,
    f_score      smallint      not null,
    m_score      smallint      not null,
    rfm_segment  varchar       not null,
    cluster_id   integer,
    primary key (as_of, customer_id)
);

-- Customers whose segment is not what it was: for each as_of of the history, and for the segments of now, against the
-- last snapshot before it.
create table segment_movements (
    as_of        timestamp,
    since        timestamp     not null,  -- the snapshot it is compared with
    customer_id  varchar,
    from_segment varchar,                 -- null: was no customer yet
    to_segment   varchar,                 -- null: is none any more
    revenue      numeric(18,2) not null,  -- what is at stake: all that the customer spent before as_of
    primary key (as_of, customer_id)
);

-- Which run made the rows of a table and a time, from how much and with which settings.
create table segment_runs (
    table_name  varchar,
    kind        varchar   check (kind in ('live', 'history')),
    as_of       timestamp,
    run_id      varchar   not null,
    parameters  jsonb     not null,
    rows_read   bigint    not null,  -- of the query's result
    customers   bigint    not null,
    ties_differ bigint    not null,  -- customers whom the other way to treat ties gives another score
    primary key (table_name, kind, as_of)
);
