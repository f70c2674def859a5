-- ml.segments with net: true, one row a customer: refunds lower what was spent and nothing else. $1 = as_of.
select customer_id, last_ts, frequency, (spent - coalesce(refunded, 0))::numeric(18, 2) as monetary
from (
    select customer_id, max(ts) as last_ts, count(*) as frequency, sum(amount) as spent
    from transactions
    where ts < $1 and customer_id <> ''
    group by customer_id
) as bought
left join (
    select customer_id, sum(refund_amount) as refunded
    from refunds
    where ts < $1
    group by customer_id
) as returned using (customer_id)
