-- ml.segments with keep: forgets the snapshots it has removed. $1 = table, $2 = the oldest that stays.
delete from segment_runs where table_name = $1 and kind = 'history' and as_of < $2
