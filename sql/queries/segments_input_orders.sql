-- ml.segments with frequency: orders, one row a line: rows of one transaction_id are one purchase. $1 = as_of, $2 and $3 = a range of the table.
select customer_id, transaction_id as order_id, ts, amount
from transactions
where ts < $1 and customer_id <> '' and ctid >= $2 and ctid < $3
