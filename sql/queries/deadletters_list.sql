-- lib/ledger, `dag deadletters ls` and `show`: the newest dead letters that a filter means, in the order of the log.
select * from (
    select job, topic, partition, "offset", key, value, headers, reason, watermark, log_time, replay_at is not null as replay, received_at
    from dag.dead_letters
    where ($1 = '' or job = $1) and ($2 = '' or topic = $2) and ($3 = '' or reason ilike $3)
      and ($4::timestamptz is null or received_at >= $4) and ($5::integer is null or partition = $5) and ($6::bigint is null or "offset" = $6)
    order by received_at desc, job, topic, partition, "offset" limit $7) d
order by job, topic, partition, "offset"
