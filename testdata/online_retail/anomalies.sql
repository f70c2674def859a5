-- Each country's sales by the hour. $1 = the start of the baseline, $2 = the end of the last complete hour.
select country as series, date_trunc('hour', ts) as window_start, sum(amount) as value, count(distinct invoice_no) as orders
from sales
where ts >= $1 and ts < $2
group by 1, 2
