// Package window puts events in windows of event time and says which events came too late for theirs.
//
// It exists so that a stream's totals depend on the log alone. Nothing in it knows batches, clocks or workers: the
// watermark moves by message, and the deltas of two batches add up to the deltas of both together. Cut the log
// anywhere, move a partition anywhere, and the tables come out the same.
//
// # One partition's life
//
//	message ──▶ Tracker.Observe ──▶ watermark before the message ──▶ Late? ──▶ Deltas.Add(rows to count)
//	               │                                                                   │
//	               └─ Max: stored with the offset, given to Restore by the next worker  └─ Seal ──▶ upsert: total + delta
//
// # What happens on each failure
//
//   - The worker dies: nothing here is state of its own. The next one gets Max from the offsets' row it claims.
//   - An event from the far future: it is counted in its window but does not move the watermark, so one till with
//     a wrong clock cannot make everyone else late.
//   - A partition falls silent: its own watermark stands still. Who asks for the job's watermark decides when a
//     silent partition no longer counts (lib/ledger).
//
// Model: Akidau et al., "The Dataflow Model", PVLDB 8(12), 2015. We differ from Spark's rule, which takes the watermark
// of the batch before and so lets the size of batches decide what is late.
package window
