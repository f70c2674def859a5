-- lib/ledger: the rollup a table is; the others are for saying what may have been meant.
select table_name, job, raw_table, key, until, current, whole, to_regclass(table_name) = to_regclass($1) is true as wanted
from dag.stream_rollups order by table_name
