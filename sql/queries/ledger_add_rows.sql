-- lib/ledger, in the transaction that found a place for waiting messages: counts the rows they became, for gates. The
-- guard has locked the row.
update dag.stream_offsets set rows = rows + $4 where job = $1 and topic = $2 and partition = $3
