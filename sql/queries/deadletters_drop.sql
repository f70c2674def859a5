-- lib/ledger, `dag deadletters drop`, after deadletters_lock: throws dead letters away, and their batches' entries say so.
with gone as (
    delete from dag.dead_letters
    where ($1 = '' or job = $1) and ($2 = '' or topic = $2) and ($3 = '' or reason ilike $3)
  and ($4::timestamptz is null or received_at >= $4) and ($5::integer is null or partition = $5) and ($6::bigint is null or "offset" = $6)
    returning job, topic, partition, "offset"
), by_batch as (
    select b.batch_id, count(*) as n
    from gone g
    cross join lateral (
        select batch_id from dag.stream_batches
        where job = g.job and topic = g.topic and partition = g.partition and first_offset <= g."offset"
        order by first_offset desc limit 1) b
    group by b.batch_id
), moved as (
    update dag.stream_batches b set dead = b.dead - m.n, dropped = b.dropped + m.n
    from by_batch m where b.batch_id = m.batch_id
)
select count(*) from gone
