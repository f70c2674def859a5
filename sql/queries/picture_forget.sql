-- dag/picture, when a process takes the rows of pipeline $1 and each hour: jobs that are no longer in the dagfile, whose
-- jobs are $2, old states of streams and old samples go.
with gone as (
    delete from dag.jobs where pipeline = $1 and job <> all ($2::text[])
), sampled as (
    delete from dag.stream_samples where at < clock_timestamp() - interval '1 day'
)
delete from dag.stream_states s
where since < clock_timestamp() - interval '30 days'
  and exists (select from dag.stream_states newer where newer.job = s.job and newer.since > s.since)
