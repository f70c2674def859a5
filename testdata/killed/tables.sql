create table if not exists events (id bigint, v bigint, ts timestamp, primary key (id, ts));
create table if not exists effects (job text, run_id text, wave bigint, value bigint, primary key (job, run_id));
create table if not exists ticks (as_of timestamptz, run_id text, primary key (as_of, run_id));
