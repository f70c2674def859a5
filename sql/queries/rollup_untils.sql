-- lib/ledger, in a batch's transaction, under its lock: up to which event time the rollups of a stream hold the rows.
select table_name, until, current from dag.stream_rollups where job = $1
