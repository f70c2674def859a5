-- Of the duplicates: messages whose key the raw table has, with other values. The row that came first stays.
alter table dag.stream_batches add column conflicts bigint not null default 0;
