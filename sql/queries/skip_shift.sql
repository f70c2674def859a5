-- lib/ledger, `dag skip --new-log`: everything the ledger has of a partition moves down by $4 offsets.
with batches as (
    update dag.stream_batches set first_offset = first_offset - $4, next_offset = next_offset - $4
    where job = $1 and topic = $2 and partition = $3
), dead as (
    update dag.dead_letters set "offset" = "offset" - $4 where job = $1 and topic = $2 and partition = $3
), held as (
    update dag.held_rows set "offset" = "offset" - $4 where job = $1 and topic = $2 and partition = $3
), late as (
    update dag.late_rows set "offset" = "offset" - $4 where job = $1 and topic = $2 and partition = $3
), future as (
    update dag.future_rows set "offset" = "offset" - $4 where job = $1 and topic = $2 and partition = $3
), problems as (
    update dag.stream_problems set "offset" = "offset" - $4 where job = $1 and topic = $2 and partition = $3
)
update dag.stream_skips set first_offset = first_offset - $4, next_offset = next_offset - $4
where job = $1 and topic = $2 and partition = $3
