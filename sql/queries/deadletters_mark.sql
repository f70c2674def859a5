-- lib/ledger, `dag deadletters replay`: asks the partitions' owners to try these dead letters again.
update dag.dead_letters set replay_at = clock_timestamp()
where ($1 = '' or job = $1) and ($2 = '' or topic = $2) and ($3 = '' or reason ilike $3)
  and ($4::timestamptz is null or received_at >= $4) and ($5::integer is null or partition = $5) and ($6::bigint is null or "offset" = $6)
returning job, partition, "offset", topic
