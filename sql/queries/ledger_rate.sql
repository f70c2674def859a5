-- lib/ledger, `dag status`: how many rows a stream has inserted in the last minute, and the database's time.
select coalesce(sum(inserted), 0)::bigint, clock_timestamp()
from dag.stream_batches
where job = $1 and committed_at > clock_timestamp() - interval '1 minute'
