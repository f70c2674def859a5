-- What `uses: check` found: one row per check of a run.
create table dag.check_results (
    run_id     text        not null,
    job        text        not null,
    name       text        not null,              -- of the check in the dagfile
    place      integer     not null,              -- its place there, from 1
    kind       text        not null,              -- not_null, unique, accepted, references, row_count, freshness, query
    target     text        not null,              -- table, or '' for a query
    severity   text        not null,              -- warn or error; of freshness the one its age calls for
    state      text        not null,              -- passed, warned, failed, or broken: the check itself could not run
    bad_rows   bigint      not null default 0,
    message    text        not null default '',
    examples   jsonb       not null default '[]', -- some of the bad rows
    took_ms    bigint      not null,
    checked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, name)
);
create index on dag.check_results (job, checked_at);
