// Package stream is the job stream.kafka: one Kafka topic into Postgres, exactly once, with totals by event time.
//
// One job per topic, several sinks: the raw table and its windows come from the same read and the same transaction, so
// they never disagree, not even after a crash.
//
// # The way of a batch
//
//	Fetcher ─▶ reader: decode, watermark ─▶ batch ─▶ writer: one transaction ─▶ ledger: next offset
//	              │ (a goroutine per partition)          (a goroutine per partition)
//	              └─ at most two batches are in memory per partition; then fetching waits
//
//	begin · rollups stand still · guard · lock the dimension keys · savepoint  one round trip
//	COPY the rows (a repeated key: back to the savepoint, staged path)        one
//	raise windows · dead letters · held rows · late rows · ledger · commit    one
//
// Keys that come in no order are sorted before COPY, and while there is a backlog twice as many rows go in one batch: each
// page of the index is then changed once for more of them (isWide).
//
// # What a window keeps
//
//	page_speed:
//	  window: 5m                                   # its length
//	  slide: 1m                                    # one begins each minute: a row falls in five; default: the length
//	  by: [page]                                   # the key is window_start and these
//	  where: bot = false and kind in ('view', 'x') # only these rows; package event, Filter, has all of it
//	  totals:
//	    views: count()
//	    slowest: max(load_ms)                      # min and sum too
//	    mean: avg(load_ms)                         # numeric, generated from mean_sum and mean_count beside it: exact
//	    visitors: approx_distinct(visitor)         # bigint, with the sketch it comes from in visitors_sketch (package hll)
//
// A row that comes late is left out of those of its windows that had ended before it, and counted in the others; it stands
// in dag.late_rows. With late: include it is counted in all of them, and the column revised of those that had ended says
// how many such rows they hold. A row more than max_skew ahead of its message's time in the log is counted like any other,
// moves no watermark, and stands in dag.future_rows. All totals are the same whatever the batches were, the bytes of the
// sketches too. Floats cannot be summed, as their sum depends on the order.
//
// # What a rollup keeps
//
//	customer_totals:
//	  rollup: [customer_id]        # the key; all time, no windows
//	  where: customer_id <> ''
//	  totals: { last_ts: max(ts), frequency: count(), monetary: sum(amount) } # min and avg too
//
// A rollup holds exactly the raw rows whose event time is before a moment, its until (dag.stream_rollups has it, and
// dag.rolled_until says it): late rows too, whether windows drop them or not. It takes up what the watermark has passed every
// ten seconds; while more than 100,000 messages wait, only every minute. A row of before until that still comes, or had
// waited, is added in the transaction that stores it. So the totals as of any time from until on are those of the table and
// of the raw rows since, to the last digit: ml.segments and ml.basket read them so (from:), and fall back to all rows for
// earlier times. A rollup that is new, or is declared otherwise, fills itself from the raw table, which is given an
// index on event time (BRIN) when it has none, and is mended when its summaries were cut short (rollup_index.go). One
// that is no longer declared is no longer read, and begins anew when it is declared again. All processes of a stream
// must declare the same: one with settings of before stops at its next batch (table-differs). Rows that somebody else
// writes into the raw table, or deletes from it, are not followed. Two or three cost batches nothing that could be
// measured, but each time they take up rows batches wait: about 1 µs for each row and rollup, ten when the keys are many
// and scattered.
//
// # Who reads what
//
// A coordinator renews this process's leases every second, on a connection of its own, and starts and stops a worker
// for each partition that is its share. The database's clock decides, the epoch fences; package ledger says how.
//
// # What happens on each failure
//
//   - kill -9 anywhere: the transaction rolls back whole; the next owner reads the offset and goes on.
//   - Connection lost in COMMIT: the ledger is asked whether the batch is in.
//   - Postgres or broker away: the batch in hand is tried again with growing pauses, logged once for each message; no more than
//     the buffers is in memory.
//   - The worker froze and its partition was given away: its guard finds no row, it stops.
//   - The log was recreated, lost its tail, or retention passed us: the partition stops with an error; the others go on.
//     It never jumps by itself: a person lets it, with `dag skip`, and what was skipped is on record for `dag verify`.
//   - Anything else that cannot pass (passes.go has the list): the partition stops, and is tried again every minute.
//   - Each of these states, and each new thing that is wrong with messages, stands in dag.stream_problems with a first example
//     and what to do, until it is over; `dag status` shows it. While Postgres itself is away, the note of the stream's
//     progress says so.
//   - A message that is no row: dead letter. A row with an unknown dimension key: held. A repeated key: counted, and when its
//     values are not those of the row that came first, as a conflict too (conflict.go). The same id at another event time is
//     another row where the time is part of the key.
//   - The dimension row comes: the held rows go in, before any batch that could repeat them, late or not by their own
//     place in the log. Only a message of the same key and another content, which had no key missing, can have come first.
//   - The schema was fixed: Replay has the owners try dead letters again, the same way. Verify adds everything up.
//   - A row the table itself refuses (a check constraint): found by halving the batch, dead letter.
//   - A field nobody declared: left out, counted by name, and told about once with an example.
package stream
