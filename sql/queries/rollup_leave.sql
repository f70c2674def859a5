-- lib/ledger, each time a stream starts: the rollups that it kept and no longer declares. Nothing is read from them again.
update dag.stream_rollups set current = '' where job = $1 and current <> '' and table_name <> all ($2)
