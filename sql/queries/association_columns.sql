-- ml.basket: which of the columns $2 the table $1 lacks, because it was made like product_associations before that had them.
select name from unnest($2::text[]) as name
where not exists (select from pg_attribute where attrelid = $1::regclass and attname = name and not attisdropped)
