-- Run by simulate.pos at its start: what the simulated shop sells. Prices in hundredths, within what an amount can hold.
select product_id, category, (greatest(0, least(base_price, 9999999999.99)) * 100)::bigint as cents
from dim_products
order by product_id collate "C"
