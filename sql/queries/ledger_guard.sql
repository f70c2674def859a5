-- lib/ledger, first in each batch's transaction: locks the partition's row if the worker still owns it and nobody moved
-- it. No row means fenced.
select from dag.stream_offsets
where job = $1 and topic = $2 and partition = $3 and epoch = $4 and next_offset = $5
for update
