-- What stands beside the clusters of customers: what sets each apart, and how other numbers of clusters would do.

-- The clusters of the customers of now, in numbers and in words. They are those of the run that made the table's rows.
create table cluster_profiles (
    table_name     varchar,
    cluster_id     integer,
    customers      bigint           not null,
    customer_share double precision not null,  -- of all who have a cluster
    money_share    double precision not null,
    recency_days   double precision not null,  -- this and the next two are means
    frequency      double precision not null,
    monetary       numeric(18,2)    not null,
    profile        varchar          not null,
    run_id         varchar          not null,
    as_of          timestamp        not null,
    primary key (table_name, cluster_id)
);

-- How well 2 to 10 clusters divide the customers.
create table cluster_sweep (
    table_name varchar,
    k          integer,
    inertia    double precision not null,  -- of log(1+x) of recency, frequency and monetary value, standardised
    bend       double precision not null,  -- how far below the chord of the curve, as a share of its fall
    elbow      boolean          not null,  -- the greatest bend: a hint at a good k
    silhouette double precision,           -- -1 to 1; null when all of the sample is one cluster
    sample     integer          not null,  -- customers the silhouette was measured on
    chosen     boolean          not null,  -- the k of the dagfile
    customers  bigint           not null,
    run_id     varchar          not null,
    as_of      timestamp        not null,
    primary key (table_name, k)
);
