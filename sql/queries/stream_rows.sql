-- dag: rows that each stream has inserted since its log began; gates count with it.
select job, sum(rows)::bigint from dag.stream_offsets group by job
