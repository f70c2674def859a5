-- lib/ledger, `dag status`: what is wrong with a stream, and what was until a while ago ($2, microseconds): first what
-- still is, the oldest first.
select topic, partition, kind, subject, count, example, "offset", advice, first_seen, last_seen, cleared_at
from dag.stream_problems
where job = $1 and (cleared_at is null or cleared_at > clock_timestamp() - $2 * interval '1 microsecond')
order by cleared_at is not null, first_seen, kind, subject, topic, partition
