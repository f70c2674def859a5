-- lib/ledger, a worker that stops cleanly.
delete from dag.stream_members where job = $1 and member = $2
