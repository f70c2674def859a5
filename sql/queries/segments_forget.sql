-- ml.segments takes out what stood about the rows it replaces. $1 = table, $2 = live or history, $3 = as_of, of history.
delete from segment_runs where table_name = $1 and kind = $2 and (kind = 'live' or as_of = $3)
