-- lib/ledger, each time a stream starts: what stands about a rollup, and whether it is another stream's that runs.
select r.raw_table, r.key, r.current, r.whole,
       r.job <> $2 and exists (select from dag.stream_members m where m.job = r.job and m.until > clock_timestamp()) as taken, r.job
from dag.stream_rollups r where r.table_name = to_regclass($1)::text
