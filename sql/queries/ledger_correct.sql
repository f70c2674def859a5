-- lib/ledger, in the transaction that moved messages from one fate to another: corrects the entries of their batches. The
-- columns are what each message adds; the event time may be null.
with moved as (
    select b.batch_id, sum(m.inserted) as inserted, sum(m.late) as late, sum(m.duplicates) as duplicates,
           sum(m.dead) as dead, sum(m.held) as held, sum(m.dropped) as dropped, sum(m.future) as future, sum(m.conflicts) as conflicts,
           min(m.at) as min_at, max(m.at) as max_at
    from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                $12::bigint[], $13::timestamp[]) as m ("offset", inserted, late, duplicates, dead, held, dropped, future, conflicts, at)
    cross join lateral (
        select batch_id from dag.stream_batches
        where job = $1 and topic = $2 and partition = $3 and first_offset <= m."offset"
        order by first_offset desc limit 1) b
    group by b.batch_id
)
update dag.stream_batches b
set inserted = b.inserted + m.inserted, late = b.late + m.late, duplicates = b.duplicates + m.duplicates,
    dead = b.dead + m.dead, held = b.held + m.held, dropped = b.dropped + m.dropped, future = b.future + m.future,
    conflicts = b.conflicts + m.conflicts,
    min_event_time = least(b.min_event_time, m.min_at), max_event_time = greatest(b.max_event_time, m.max_at)
from moved m
where b.batch_id = m.batch_id
