-- Run by sum.baskets: what each basket costs.
create table if not exists baskets (basket bigint primary key, total numeric(12,2), dear boolean);
insert into baskets
select basket, sum(price), sum(price) >= :least from groceries group by basket
on conflict (basket) do update set total = excluded.total, dear = excluded.dear;
