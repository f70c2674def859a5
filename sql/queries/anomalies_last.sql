-- ml.anomalies: how far the last run of a table ($1) came, and when, if it had the same settings ($2).
select closed_until, written_at
from (select * from anomaly_runs where table_name = $1 order by written_at desc, run_id desc limit 1) as last
where parameters - 'lookback' = $2::jsonb - 'lookback'
