-- Totals by key that a stream keeps beside its raw table (rollup: on a sink).

-- The rollups there are. The table of each holds exactly those rows of the raw table whose event time is before until; what
-- came since is read from the raw table itself, so that the two together are current, and exact as of any later time.
create table dag.stream_rollups (
    table_name text        primary key,             -- as to_regclass reads it
    job        text        not null,                -- the stream that keeps it
    raw_table  text        not null,
    key        text[]      not null,
    until      timestamp,                           -- null: nothing is in it yet
    current    text        not null,                -- SQL for the totals of all rows before $1, from both tables
    whole      text        not null,                -- the same from the raw table alone
    updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- Up to which event time a rollup holds the rows, as in:
--   select sum(frequency) from customer_totals                                                      -- these, and
--   select count(*) from transactions where ts >= dag.rolled_until('customer_totals') and ts < now() -- those since
create function dag.rolled_until(rollup regclass) returns timestamp
language sql stable
as $$ select until from dag.stream_rollups where to_regclass(table_name) = rollup $$;

-- Rows since a time are found by these indexes; new pages are added to them without waiting for a vacuum.
alter index transactions_ts set (autosummarize = on);
alter index refunds_ts set (autosummarize = on);
