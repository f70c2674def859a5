-- ml.segments lists who moved to the segments of now, as of $1, from the snapshot as of $2. Names of tables are put in for `into`.
insert into segment_movements (as_of, since, customer_id, from_segment, to_segment, revenue)
select $1::timestamp, $2::timestamp, customer_id, was.rfm_segment, now.rfm_segment, coalesce(now.monetary, was.monetary)
from (select * from customer_segment_history where as_of = $2) as was
full join customer_segments as now using (customer_id)
where was.rfm_segment is distinct from now.rfm_segment
order by customer_id collate "C"
