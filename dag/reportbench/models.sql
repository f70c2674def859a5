-- Run by Fill (dag/reportbench) when sales and segments are in their tables.
insert into segment_runs
select 'customer_segments', 'live', max(as_of), 'bench', '{}', sum(frequency), count(*), 0 from customer_segments;

-- Every twentieth customer was in another segment yesterday, and a few were no customers yet.
insert into segment_movements
select as_of, as_of - interval '1 day', customer_id,
       nullif(case rfm_segment when 'Champions' then 'Loyal Customers' when 'Loyal Customers' then 'Potential Loyalists'
              when 'At Risk' then 'Champions' when 'Hibernating' then 'At Risk' else '' end, ''),
       rfm_segment, monetary
from customer_segments
where abs(hashtext(customer_id)) % 20 = 0;

-- Each product with each other one.
insert into product_associations
select a.product_id, b.product_id, 0.01 + n % 7 * 0.01, 0.2 + n % 5 * 0.1, 1 + n % 9 * 0.2, 0.01, 1.5, 0.4, 1000 + n, 'bench', localtimestamp,
       0.1, 0.9, 0.001, 0.002
from (select product_id, row_number() over () as n from dim_products) as a
join dim_products as b on b.product_id > a.product_id;

-- One minute in three thousand stood out.
insert into anomalies
select product_id, window_start, total_revenue, total_revenue * 0.3, 5 + n % 4, case n % 3 when 0 then 'drop' else 'spike' end,
       window_start + interval '2 min', 10, 'count', 'bench'
from (select *, row_number() over (order by window_start, product_id) as n from product_metrics_minute) as m
where n % 3000 = 0;

-- The hours, as the stream's sink has them.
insert into sales_hour
select date_trunc('hour', ts), date_trunc('hour', ts) + interval '1 hour', store_id, product_id, sum(amount), count(*)
from transactions
group by 1, 3, 4;

-- The clusters in numbers, a sweep, and products that can be judged.
insert into cluster_profiles
select 'customer_segments', cluster_id, count(*), count(*)::float8 / sum(count(*)) over (), (sum(monetary) / sum(sum(monetary)) over ())::float8,
       avg(recency_days), avg(frequency), avg(monetary), 'customers of the bench', 'bench', max(as_of)
from customer_segments
where cluster_id is not null
group by cluster_id;

insert into cluster_sweep
select 'customer_segments', k, 100000.0 / k, (k - 2) * (10 - k) / 50.0, k = 6, 0.5 - k * 0.01, 10000, k = 4, count(*), 'bench', max(as_of)
from customer_segments, generate_series(2, 10) as k
group by k;

insert into anomaly_series
select 'anomalies', product_id, 'judged', count(*), 0, sum(transaction_count), min(window_start), max(window_start), 'bench'
from product_metrics_minute
group by product_id;
