-- What a page about the pipeline shows and only the running process knows: the jobs and how they hang together, what each
-- is doing, and why it runs or waits. The full run writes it when it changes (dag/picture).

-- Which process keeps the rows of a pipeline's jobs. After `until` nobody does, and what they say is of that time.
create table dag.pipelines (
    pipeline text        primary key,
    instance text        not null,
    began_at timestamptz not null default clock_timestamp(), -- since when this process does
    until    timestamptz not null
);

-- The jobs of the dagfile, as they are now.
create table dag.jobs (
    job         text        primary key,
    pipeline    text        not null references dag.pipelines on delete cascade,
    place       integer     not null,               -- in the order of the plan, from 1
    kind        text        not null,               -- stream, batch, report or check
    uses        text        not null,
    opens       text        not null,               -- its gate in words: '5000 rows of stream.transactions or every 1m'
    needs       jsonb       not null default '[]',  -- [{"job": ..., "label": ...}]: the jobs it waits for, and for what
    state       text        not null,               -- as `dag status` has it
    state_since timestamptz not null default now(),
    note        text        not null default '',    -- streams: the judgement in words; batch jobs: what the last run said
    waits_for   text        not null default '',    -- the first condition that does not hold; '' when all do
    conditions  jsonb       not null default '[]',  -- all that decides whether it runs; dag.job_conditions reads it
    opens_at    timestamptz,                        -- when time alone opens it; null: it is open, or new facts must come
    trigger     text        not null default '',    -- what began the run in hand
    paused      text        not null default '',    -- the reason of a pause
    restarts    integer     not null default 0,     -- streams, since the process began
    error       text        not null default '',    -- of the last failure, until the next success
    updated_at  timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- The edges of the graph.
create view dag.job_needs as
select n ->> 'job' as upstream, j.job, n ->> 'label' as label
from dag.jobs j, jsonb_array_elements(j.needs) as n;

-- Why a job runs or waits: the parts of its judgement, each below the one it belongs to.
create view dag.job_conditions as
select j.job, c.place, (c.part ->> 'depth')::integer as depth, c.part ->> 'text' as text, (c.part ->> 'holds')::boolean as holds,
       (c.part ->> 'opens_at')::timestamptz as opens_at
from dag.jobs j, jsonb_array_elements(j.conditions) with ordinality as c (part, place);

-- What each stream was, and since when. Kept for 30 days.
create table dag.stream_states (
    job   text        not null,
    since timestamptz not null default now(),
    state text        not null,
    note  text        not null default '',
    primary key (job, since)
);

-- How far each stream was, every quarter of a minute. Kept for a day.
create table dag.stream_samples (
    job       text        not null,
    at        timestamptz not null default now(),
    rows      bigint      not null,  -- inserted since its log began: the rate is the difference of two samples
    lag       bigint      not null,  -- messages in the log that were not stored yet
    watermark timestamp,
    primary key (job, at)
);

-- The few runs among the many that somebody may want to look at.
create index runs_to_look_at on dag.runs (queued_at desc) where state in ('failed', 'timed-out', 'warned', 'canceled');

-- Sales by hour, store and product: what pages read for long times, and for one store. The stream keeps it like the minutes.
create table sales_hour (
    window_start timestamp     not null,
    window_end   timestamp     not null,
    store_id     varchar       not null references dim_stores,
    product_id   varchar       not null references dim_products,
    revenue      numeric(18,2) not null,
    sales        bigint        not null,
    primary key (window_start, store_id, product_id)
) with (fillfactor = 70);

-- What was sold before this table was: all but the rows that were late for their hour.
insert into sales_hour
select date_trunc('hour', ts), date_trunc('hour', ts) + interval '1 hour', store_id, product_id, sum(amount), count(*)
from transactions t
where not exists (select from dag.late_rows l
                  where not l.included and l.row_key[1] = t.transaction_id::text and l.event_time = t.ts
                    and l.watermark >= date_trunc('hour', t.ts) + interval '1 hour')
group by 1, 3, 4;

-- What was sold from since to before until, in the coarsest pieces that a page of that time needs: hours for more than two
-- days, else minutes of all stores, else the sales of one store. store is 'all' or a store's id; the pieces of minutes
-- have no store. Of hours, since and until should be full ones.
create function sold(since timestamp, until timestamp, store text default 'all')
returns table (at timestamp, store_id varchar, product_id varchar, revenue numeric, sales bigint)
language sql stable
as $$
    select window_start, h.store_id, h.product_id, h.revenue, h.sales
    from sales_hour h
    where until - since > interval '2 days' and window_start >= since and window_start < until
      and (store = 'all' or h.store_id = store)
    union all
    select window_start, null, m.product_id, total_revenue, transaction_count
    from product_metrics_minute m
    where until - since <= interval '2 days' and store = 'all' and window_start >= since and window_start < until
    union all
    select ts, t.store_id, t.product_id, amount, 1::bigint
    from transactions t
    where until - since <= interval '2 days' and store <> 'all' and ts >= since and ts < until and t.store_id = store
$$;
