-- The shop's tables. Times are UTC without a zone; amounts are SAR.
create table dim_products (
    product_id   varchar primary key,
    product_name varchar not null,
    category     varchar not null,
    base_price   numeric(12,2) not null
);

create table dim_stores (
    store_id   varchar primary key,
    store_name varchar not null,
    city       varchar not null,
    region     varchar not null,
    size_sqft  integer not null
);

create table transactions (
    transaction_id bigint        not null,
    product_id     varchar       not null references dim_products,
    store_id       varchar       not null references dim_stores,
    customer_id    varchar       not null,
    amount         numeric(12,2) not null,
    ts             timestamp     not null,
    primary key (transaction_id, ts)
);
create index transactions_ts on transactions using brin (ts) with (pages_per_range = 32);

create table refunds (
    refund_id               bigint        not null,
    original_transaction_id bigint        not null,
    product_id              varchar       not null references dim_products,
    store_id                varchar       not null references dim_stores,
    customer_id             varchar       not null,
    refund_amount           numeric(12,2) not null,
    reason                  varchar       not null,
    ts                      timestamp     not null,
    primary key (refund_id, ts)
);
create index refunds_ts on refunds using brin (ts) with (pages_per_range = 32);

create table product_metrics_minute (
    window_start      timestamp     not null,
    window_end        timestamp     not null,
    product_id        varchar       not null references dim_products,
    total_revenue     numeric(18,2) not null,
    transaction_count bigint        not null,
    primary key (window_start, product_id)
) with (fillfactor = 70);

create table customer_segments (
    customer_id  varchar       primary key,
    recency_days integer       not null,
    frequency    bigint        not null,
    monetary     numeric(18,2) not null,
    r_score      smallint      not null,
    f_score      smallint      not null,
    m_score      smallint      not null,
    rfm_segment  varchar       not null,
    cluster_id   integer,                  -- null for a customer who spent nothing: K-Means leaves him out
    run_id       varchar       not null,
    as_of        timestamp     not null
);

create table product_associations (
    antecedent varchar          not null,  -- items sorted, joined by ', '
    consequent varchar          not null,
    support    double precision not null,
    confidence double precision not null,
    lift       double precision not null,
    leverage   double precision not null,
    conviction double precision not null,  -- 'Infinity' when confidence is 1
    zhang      double precision not null,
    count      bigint           not null,  -- baskets that hold both sides
    run_id     varchar          not null,
    as_of      timestamp        not null,
    primary key (antecedent, consequent)
);

create table anomalies (
    product_id     varchar          not null references dim_products,
    window_start   timestamp        not null,
    observed       numeric(18,2)    not null,
    expected       numeric(18,2)    not null,
    score          double precision not null,
    kind           varchar          not null check (kind in ('spike', 'drop')),
    created_at     timestamptz      not null default now(),
    window_minutes integer          not null,  -- length of the event: neighbouring flagged minutes are one
    method         varchar          not null,
    run_id         varchar          not null,
    primary key (product_id, window_start)
);
create index anomalies_created_at on anomalies (created_at desc);
