-- ml.segments looks for the snapshot that one as of $2 is compared with. $1 = table.
select max(as_of) from segment_runs where table_name = $1 and kind = 'history' and as_of < $2
