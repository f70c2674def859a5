-- ml.basket with basket: visit, the purchases of each customer; the job cuts them into visits by the time between. $1 = as_of, $2 and $3 = a range of the table.
select customer_id, ts, product_id as item
from transactions
where ts < $1 and customer_id <> '' and ctid >= $2 and ctid < $3
