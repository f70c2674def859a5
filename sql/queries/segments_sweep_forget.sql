-- ml.segments takes out the sweep it replaces. $1 = table.
delete from cluster_sweep where table_name = $1
