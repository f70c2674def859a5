-- lib/ledger, gates and `dag why`: rows a stream has inserted since its log began.
select coalesce(sum(rows), 0)::bigint from dag.stream_offsets where job = $1
