-- lib/ledger, every second: who shares the partitions of a stream now.
select member from dag.stream_members where job = $1 and until > clock_timestamp() order by member
