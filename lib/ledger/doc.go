// Package ledger is the truth about how far a stream is, kept in Postgres beside the stream's own tables.
//
// It exists because "exactly once" is one question, asked after a crash: which messages are in the tables? As the
// answer is written in the same transaction as the rows, it is never wrong. Kafka's group offsets are not part of it.
//
// # A partition's life
//
//	        Claim (epoch+1)            guard ▸ rows ▸ Queue (advance) ▸ commit
//	free ───────────────────▶ owned ────────────────────────────────────────────▶ owned
//	  ▲                         │ │
//	  │ Release                 │ │ lease lapses or the process restarts: another Claim, epoch+1
//	  └─────────────────────────┘ ▼
//	                            fenced: the guard finds no row, the batch rolls back, the worker stops
//
// A worker owns a partition as long as the row's epoch is the one its Claim returned. The lease only says when another
// may claim; the epoch decides who may write. All times are the database's.
//
// Partitions are shared by these leases and not by Kafka's consumer group: a killed member would block its partitions
// there until its session ends, and every change of members would stop all. Here a restart takes its own leases back
// at once.
//
// # Event time
//
// The row of a partition holds the greatest event time stored. Register records what a stream waits for, and with it the
// view dag.watermarks says how far the stream is as a whole: SQL asks dag.watermark('stream.sales') or
// dag.closed_until('sales_minute'), Go asks Watermark, which asks the same view.
//
// # Second tries
//
// A held row or a dead letter that is tried again leaves its table in the transaction that stores it, under the same
// guard as a batch, and the entry of the batch it came in is corrected there. So an entry always says what its messages
// are now, and log range = inserted + duplicates + dead + held + dropped holds for each entry at each moment; Audit
// proves it.
//
// # Problems and skips
//
// What is wrong with messages is counted in their batch's transaction, one row for each distinct thing; states of a stream
// come from its coordinator when they change (Problems). A partition that cannot go on, because its log no longer has its
// next offset or is another log, goes on only by a Skip: a gap is an entry without messages, and what an old log became
// moves to offsets below the new log's. So the sums hold as before, and what was skipped is on record.
//
// # What happens on each failure
//
//   - A worker is killed: its open transaction rolls back; its lease lapses after TTL, or its next process claims at once.
//   - A worker freezes and wakes up after its partition was given away: its guard finds no row. If it froze inside a
//     transaction, Evict ends that session, so that the row it has locked is free.
//   - The connection breaks during COMMIT: Outcome says whether the batch is in.
//   - Postgres is away: nobody can claim or write; leases lapse together, and the first one back claims.
package ledger
