-- ml.basket, after the rules of a table were replaced and in the same transaction. $1 = table, $2 = run, $3 = as_of, $4 = parameters.
insert into association_runs (table_name, run_id, as_of, parameters, rows_read, baskets, items, itemsets, rules, stopped)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($10, ''))
on conflict (table_name) do update set
    run_id = excluded.run_id, as_of = excluded.as_of, parameters = excluded.parameters, rows_read = excluded.rows_read,
    baskets = excluded.baskets, items = excluded.items, itemsets = excluded.itemsets, rules = excluded.rules, stopped = excluded.stopped
