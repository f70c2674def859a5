-- How far a rule can be trusted. Rules written before have none of it.
alter table product_associations
    add column confidence_low  double precision,  -- Wilson's interval of 95 % for the confidence
    add column confidence_high double precision,
    add column p_value         double precision,  -- Fisher's exact test, one-sided
    add column q_value         double precision;  -- false-discovery rate at which the rule is kept, Benjamini and Hochberg

-- Which run made the rules of a table, from how much and with which settings: also of a run that found none.
create table association_runs (
    table_name varchar   primary key,
    run_id     varchar   not null,
    as_of      timestamp not null,
    parameters jsonb     not null,
    rows_read  bigint    not null,  -- of the query's result
    baskets    bigint    not null,
    items      bigint    not null,
    itemsets   bigint    not null,
    rules      bigint    not null,
    stopped    varchar              -- why longer itemsets were not looked at; null when all were
);
