-- The lines that are sales, with their amount in pounds (prices have three decimals). They are kept, since five jobs and
-- the page read them.
drop materialized view if exists sales;
create materialized view sales as
select line, invoice_no, stock_code, customer_id, country, ts, quantity, quantity * unit_price as amount
from order_lines
where customer_id is not null and invoice_no not like 'C%' and quantity > 0 and unit_price > 0;
analyze sales;
