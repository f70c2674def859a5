-- ml.anomalies writes down which series of a table ($1) could be judged; what is as it was stays untouched.
insert into anomaly_series as s (table_name, product_id, state, judged, sparse, orders, first_window, last_window, run_id)
select $1, *, $9 from unnest($2::varchar[], $3::varchar[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamp[], $8::timestamp[])
on conflict (table_name, product_id) do update set
    state = excluded.state, judged = excluded.judged, sparse = excluded.sparse, orders = excluded.orders,
    first_window = least(s.first_window, excluded.first_window), last_window = excluded.last_window, run_id = excluded.run_id
where (s.state, s.judged, s.sparse, s.orders, s.last_window) is distinct from
      (excluded.state, excluded.judged, excluded.sparse, excluded.orders, excluded.last_window)
   or excluded.first_window < s.first_window
