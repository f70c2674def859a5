-- ml.anomalies: series of a table ($1) that had no row any more in the days a run ($3) read are silent; those that had are $2.
update anomaly_series set state = 'silent', judged = 0, sparse = 0, orders = 0, run_id = $3
where table_name = $1 and product_id <> all ($2::varchar[]) and (state <> 'silent' or judged <> 0)
