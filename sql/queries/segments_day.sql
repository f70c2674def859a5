-- ml.segments asks whether a table has a snapshot of a day already. $1 = table, $2 = a time of that day.
select exists (
    select from segment_runs
    where table_name = $1 and kind = 'history'
      and as_of >= date_trunc('day', $2::timestamp) and as_of < date_trunc('day', $2::timestamp) + interval '1 day'
)
