-- lib/ledger, `dag skip`, first: where a partition stands, and its row locked. A batch that is being committed is waited
-- for.
select first_offset, next_offset, epoch, owner, owner <> '' and lease_until > clock_timestamp() as live
from dag.stream_offsets
where job = $1 and topic = $2 and partition = $3
for update
