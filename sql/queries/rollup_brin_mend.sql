-- jobs/stream, when a BRIN index no longer finds what is young: makes the entries of the ranges that begin from block $2 to before
-- block $3 anew; $4 blocks are a range. Nobody waits for it.
select count(brin_desummarize_range($1::text::regclass, b)::text || brin_summarize_range($1::text::regclass, b))
from generate_series($2::bigint, $3::bigint - 1, $4::bigint) b
