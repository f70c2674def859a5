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
// # Second tries
//
// A held row or a dead letter that is tried again leaves its table in the transaction that stores it, under the same
// guard as a batch, and the entry of the batch it came in is corrected there. So an entry always says what its messages
// are now, and log range = inserted + duplicates + dead + held + dropped holds for each entry at each moment; Audit
// proves it.
//
// # What happens on each failure
//
//   - A worker is killed: its open transaction rolls back; its lease lapses after TTL, or its next process claims at once.
//   - A worker freezes and wakes up after its partition was given away: its guard finds no row. If it froze inside a
//     transaction, Evict ends that session, so that the row it has locked is free.
//   - The connection breaks during COMMIT: Outcome says whether the batch is in.
//   - Postgres is away: nobody can claim or write; leases lapse together, and the first one back claims.
package ledger
