-- ml.anomalies, the windows that are complete. $1 = the start of the baseline, $2 = the end of the last complete window.
select product_id as series, window_start, total_revenue as value, transaction_count as orders
from product_metrics_minute
where window_start >= $1 and window_end <= $2
