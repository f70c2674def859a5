-- ml.segments asks which time the rows in its table are as of, and whether the history has that time too. $1 = table.
select as_of, exists (select from segment_runs h where h.table_name = l.table_name and h.kind = 'history' and h.as_of = l.as_of)
from segment_runs l
where table_name = $1 and kind = 'live'
