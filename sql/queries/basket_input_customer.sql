-- ml.basket with basket: customer, the products of each customer. $1 = as_of.
select distinct customer_id as basket, product_id as item
from transactions
where ts < $1 and customer_id <> ''
