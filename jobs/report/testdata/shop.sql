-- A small shop with three days of sales, the same in every run: no random numbers, no clock.
insert into dim_products values
    ('LAPTOP-001', 'AeroBook 14 Laptop, 16 GB', 'Electronics', 4599),
    ('PHONE-001', 'Nova X5 Smartphone 256 GB', 'Electronics', 2899),
    ('HEADPHONES-001', 'Hush Wireless Headphones', 'Accessories', 649),
    ('MOUSE-001', 'Glide Wireless Mouse <b>R&D</b>', 'Accessories', 129);
insert into dim_stores values
    ('STORE-RUH-01', 'Riyadh Olaya', 'Riyadh', 'Central', 5200),
    ('STORE-JED-01', 'Jeddah Tahlia', 'Jeddah', 'Western', 4100),
    ('STORE-DMM-01', 'Dammam Corniche', 'Dammam', 'Eastern', 3300);

insert into transactions
select n,
       (array['LAPTOP-001', 'PHONE-001', 'HEADPHONES-001', 'MOUSE-001', 'MOUSE-001', 'HEADPHONES-001', 'PHONE-001'])[1 + n * 5 % 7],
       (array['STORE-RUH-01', 'STORE-JED-01', 'STORE-DMM-01', 'STORE-RUH-01', 'STORE-JED-01', 'STORE-RUH-01'])[1 + n / 3 % 6],
       'CUST-' || lpad((n * n % 97)::text, 4, '0'),
       129 + n * 7919 % 450000 / 100.0,
       timestamp '2026-11-22 17:14:02' - (3000 - n) * interval '86 s' - n % 3 * interval '20 s'
from generate_series(1, 3000) as n;

insert into refunds
select transaction_id, transaction_id, product_id, store_id, customer_id, round(amount * 0.9, 2),
       (array['defective', 'wrong_item', 'not_as_described', 'changed_mind', 'damaged_shipping'])[1 + transaction_id % 5], ts + interval '5 h'
from transactions
where transaction_id % 11 = 0 and ts < timestamp '2026-11-22 12:00';

insert into product_metrics_minute
select date_trunc('minute', ts), date_trunc('minute', ts) + interval '1 min', product_id, sum(amount), count(*)
from transactions
group by 1, 2, 3;

insert into customer_segments
select customer_id, extract(day from timestamp '2026-11-22 17:14' - max(ts)), count(*), sum(amount), 1, 1, 1,
       (array['Champions', 'Loyal Customers', 'Potential Loyalists', 'New Customers', 'At Risk', 'Need Attention', 'Hibernating'])[1 + count(*) % 7],
       case when count(*) > 1 then count(*) % 4 end, 'run-1', '2026-11-22 17:10'
from transactions
group by customer_id;

-- Every fourth customer of a segment was in the next one yesterday, and who was new is no mover.
insert into segment_runs values ('customer_segments', 'live', '2026-11-22 17:10', 'run-1', '{}', 1, 1, 0);
insert into segment_movements
select as_of, timestamp '2026-11-21 21:00', customer_id,
       case rfm_segment when 'Champions' then 'Loyal Customers' when 'At Risk' then 'Champions' when 'Hibernating' then 'At Risk' end, rfm_segment, monetary
from customer_segments
where rfm_segment in ('Champions', 'At Risk', 'Hibernating', 'New Customers') and hashtext(customer_id) % 4 = 0;

insert into product_associations values
    ('LAPTOP-001', 'MOUSE-001', 0.084, 0.61, 2.31, 0.05, 1.9, 0.6, 8, 'run-2', '2026-11-22 17:10'),
    ('HEADPHONES-001, LAPTOP-001', 'MOUSE-001', 0.041, 0.52, 1.97, 0.02, 1.5, 0.5, 4, 'run-2', '2026-11-22 17:10'),
    ('GONE-001', 'PHONE-001', 0.02, 0.33, 1.1, 0.01, 1.1, 0.1, 2, 'run-2', '2026-11-22 17:10');

insert into anomalies values
    ('LAPTOP-001', '2026-11-22 15:13', 91000, 40000, 6.4, 'spike', '2026-11-22 15:30+00', 12, 'count', 'run-3'),
    ('MOUSE-001', '2026-11-22 02:00', 100, 900, -5.2, 'drop', '2026-11-22 02:40+00', 30, 'count', 'run-3');

insert into sales_hour
select date_trunc('hour', ts), date_trunc('hour', ts) + interval '1 hour', store_id, product_id, sum(amount), count(*)
from transactions
group by 1, 2, 3, 4;

insert into cluster_profiles
select 'customer_segments', cluster_id, count(*), count(*)::float8 / sum(count(*)) over (), (sum(monetary) / sum(sum(monetary)) over ())::float8,
       avg(recency_days), avg(frequency), avg(monetary), 'buy often', 'run-1', '2026-11-22 17:10'
from customer_segments
where cluster_id is not null
group by cluster_id;
insert into cluster_sweep
select 'customer_segments', k, 1000.0 / k, 0.1, k = 5, 0.5 - 0.01 * k, 97, k = 4, 97, 'run-1', '2026-11-22 17:10' from generate_series(2, 10) as k;
insert into customer_segment_history
select '2026-11-21 21:00', customer_id, recency_days, frequency, monetary, r_score, f_score, m_score, rfm_segment, cluster_id from customer_segments;
insert into segment_runs values ('customer_segments', 'history', '2026-11-21 21:00', 'run-0', '{"k": 4}', 1, 1, 0);
insert into association_runs values ('product_associations', 'run-2', '2026-11-22 17:10', '{"min_support": 0.01}', 3000, 97, 4, 9, 3, null);
insert into anomaly_runs values ('anomalies', 'run-3', '2026-11-22 17:10', null, '2026-11-22 17:09', 3000, 4, 9000, '{"window": 60}', '2026-11-22 17:10+00');
insert into anomaly_series values
    ('anomalies', 'LAPTOP-001', 'judged', 4000, 10, 400, '2026-11-20', '2026-11-22 17:13', 'run-3'),
    ('anomalies', 'MOUSE-001', 'too sparse', 4000, 4000, 12, '2026-11-20', '2026-11-22 17:12', 'run-3');
