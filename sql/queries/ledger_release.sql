-- lib/ledger, a worker that stops cleanly or gives a partition to another: the next one need not wait for the lease to lapse.
update dag.stream_offsets
set owner = '', lease_until = '-infinity'
where job = $1 and topic = $2 and partition = $3 and owner = $4 and epoch = $5
