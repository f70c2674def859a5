-- lib/pg reads a table in ranges, over several connections that all see this transaction's snapshot; no row when it has none to share.
select pg_export_snapshot() where current_setting('transaction_isolation') in ('repeatable read', 'serializable')
