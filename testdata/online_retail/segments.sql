-- One row a line; the lines of one invoice are one purchase. $1 = as_of.
select customer_id, invoice_no as order_id, ts, amount
from sales
where ts < $1
