-- ml.segments asks whether a table has a sweep of a day already. $1 = table, $2 = a time of that day.
select exists (
    select from cluster_sweep
    where table_name = $1
      and as_of >= date_trunc('day', $2::timestamp) and as_of < date_trunc('day', $2::timestamp) + interval '1 day'
)
