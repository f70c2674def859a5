-- lib/ledger, every second: members that are long gone are forgotten.
delete from dag.stream_members where job = $1 and until < clock_timestamp() - interval '1 minute'
