-- ml.segments with frequency: orders and net: true, one row a line; a refund is a line with a negative amount. $1 = as_of.
select customer_id, transaction_id as order_id, ts, amount
from transactions
where ts < $1 and customer_id <> ''
union all
select customer_id, original_transaction_id, ts, -refund_amount
from refunds
where ts < $1 and customer_id <> ''
