-- ml.segments takes out the profiles it replaces. $1 = table.
delete from cluster_profiles where table_name = $1
