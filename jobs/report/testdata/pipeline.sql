-- A pipeline on a bad evening, at the clock of these tests: 2026-11-22 17:14:03 UTC.
insert into dag.pipelines values ('retail', 'till-host', '2026-11-22 12:00+00', '2026-11-22 17:14:10+00');
insert into dag.jobs (job, pipeline, place, kind, uses, opens, needs, state, state_since, note, waits_for, conditions, opens_at, paused, error) values
    ('stream.transactions', 'retail', 1, 'stream', 'stream.kafka', 'always', '[]', 'stalled', '2026-11-22 17:02+00', 'nothing was dealt with for 10m', '', '[]', null, '', ''),
    ('ml.anomalies', 'retail', 2, 'batch', 'ml.anomalies', 'every 30s', '[{"job": "stream.transactions", "label": "live"}]', 'succeeded', '2026-11-22 17:01+00',
     '6 series', 'stream.transactions is stalled', '[{"depth": 0, "text": "stream.transactions is stalled", "holds": false}, {"depth": 0, "text": "every 30s", "holds": true}]', null, '', ''),
    ('report.dashboard', 'retail', 3, 'report', 'report', 'every 5s', '[]', 'failed', '2026-11-22 17:10+00', '', '', '[]', '2026-11-22 17:14:05+00', '', 'read report: <gone>'),
    ('check.prices', 'retail', 4, 'check', 'check', 'every 1m', '[]', 'warned', '2026-11-22 17:13+00', '', '', '[]', null, 'the books are being closed', '');
insert into dag.streams values ('stream.transactions', 'transactions', '5 min', '1 min', '1 day', 'drop');
insert into dag.stream_offsets (job, topic, partition, next_offset, owner, max_event_time, rows, log_end, updated_at)
    values ('stream.transactions', 'transactions', 0, 900, 'till-host', '2026-11-22 17:01', 890, 1700, '2026-11-22 17:02+00');
insert into dag.stream_batches (job, topic, partition, epoch, first_offset, next_offset, messages, inserted, late, duplicates, dead, held, min_event_time, max_event_time, committed_at)
    values ('stream.transactions', 'transactions', 0, 1, 0, 900, 900, 890, 2, 6, 1, 3, '2026-11-22 16:00', '2026-11-22 17:01', '2026-11-22 17:13:30+00');
insert into dag.stream_samples
    select 'stream.transactions', timestamptz '2026-11-22 16:50+00' + n * interval '15 s', n * 10, n, timestamp '2026-11-22 16:45' + n * interval '15 s' from generate_series(0, 96) as n;
insert into dag.stream_states values
    ('stream.transactions', '2026-11-22 16:00+00', 'live', ''), ('stream.transactions', '2026-11-22 17:02+00', 'stalled', 'nothing was dealt with for 10m');
insert into dag.stream_problems (job, topic, partition, kind, subject, count, example, advice, first_seen, last_seen) values
    ('stream.transactions', 'transactions', 0, 'dead-letter', 'amount: not a number', 1, '{"amount": "x"}', 'dag deadletters', '2026-11-22 16:30+00', '2026-11-22 16:30+00'),
    ('stream.transactions', 'transactions', -1, 'broker-away', '', 40, 'connection refused', 'start the broker', '2026-11-22 17:02+00', '2026-11-22 17:14+00');
insert into dag.dead_letters (job, topic, partition, "offset", value, reason, received_at)
    values ('stream.transactions', 'transactions', 0, 17, '{"amount": "x", "name": "<b>"}', 'amount: not a number', '2026-11-22 16:30+00');
insert into dag.held_rows (job, topic, partition, "offset", missing, held_at) values
    ('stream.transactions', 'transactions', 0, 20, 'dim_products.product_id=NEW-1', '2026-11-22 16:40+00'), ('stream.transactions', 'transactions', 0, 21, 'dim_products.product_id=NEW-1', '2026-11-22 16:41+00');
insert into dag.late_rows (job, topic, partition, "offset", event_time, watermark, noted_at)
    values ('stream.transactions', 'transactions', 0, 30, '2026-11-22 16:00', '2026-11-22 16:20', '2026-11-22 16:31+00');
insert into dag.runs (run_id, job, state, trigger, as_of, instance, lease_until, queued_at, started_at, ended_at, error)
    select 'r' || n, case n % 2 when 0 then 'ml.anomalies' else 'report.dashboard' end, case when n > 40 and n % 2 = 1 then 'failed' else 'succeeded' end, 'every 30s',
           at, 'till-host', at, at, at, at + interval '400 ms', case when n > 40 and n % 2 = 1 then 'read report: <gone>' else '' end
    from (select n, timestamptz '2026-11-22 16:20+00' + n * interval '1 min' as at from generate_series(1, 53) as n) as r;
insert into dag.check_results (run_id, job, name, place, kind, target, severity, state, bad_rows, message, took_ms, checked_at)
    values ('r53', 'check.prices', 'no_free_sales', 1, 'query', '', 'error', 'failed', 4, '4 rows', 12, '2026-11-22 17:13+00');
