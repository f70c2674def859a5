-- Run by sum.drinks, in one transaction: what each drink has brought in with the orders before the run's as-of.
create table if not exists drink_totals (
    drink    text primary key,
    orders   bigint not null,
    cups     bigint not null,
    revenue  numeric(12,2) not null,
    as_of    timestamptz not null
);

insert into drink_totals
select drink, count(*), sum(cups), sum(paid), :as_of::timestamptz
from orders
where ordered_at < :as_of::timestamptz
group by drink
on conflict (drink) do update
set orders = excluded.orders, cups = excluded.cups, revenue = excluded.revenue, as_of = excluded.as_of;
