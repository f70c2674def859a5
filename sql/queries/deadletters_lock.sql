-- lib/ledger, `dag deadletters drop`: keeps the owners of the partitions from trying these dead letters meanwhile.
select from dag.stream_offsets o
where exists (select from dag.dead_letters d where (d.job, d.topic, d.partition) = (o.job, o.topic, o.partition) and ($1 = '' or d.job = $1))
order by job, topic, partition
for update
