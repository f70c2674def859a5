-- ml.segments looks for what is compared with a snapshot as of $2: the next one, or the rows of now. $1 = table.
select as_of, kind from segment_runs where table_name = $1 and as_of > $2 order by as_of, kind limit 1
