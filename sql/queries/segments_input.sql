-- ml.segments, one row a customer: each transaction is a purchase. $1 = as_of.
select customer_id, max(ts) as last_ts, count(*) as frequency, sum(amount)::numeric(18, 2) as monetary
from transactions
where ts < $1 and customer_id <> ''
group by customer_id
