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
// # Windows that slide
//
// With a slide, a window begins at each multiple of it, and a row falls in size/slide windows. Rows are added up by pane,
// the time between two starts, and panes to windows when a batch is sealed, so a row costs the same as without a slide.
// Lateness is judged by window: a row may be late for the earliest of its windows and on time for the others (Closed).
//
// # Totals that merge
//
// Every total is kept in columns whose values of two batches merge to that of both: counts and sums add, extremes
// choose, an average is a sum and a count, distinct values are a sketch (package hll). So floats have no sum: theirs
// depends on the order.
//
// # What happens on each failure
//
//   - The worker dies: nothing here is state of its own. The next one gets Max from the offsets' row it claims.
//   - An event from the far future: it is counted in its window but does not move the watermark, so one till with
//     a wrong clock cannot make everyone else late.
//   - A partition falls silent: its own watermark stands still. Who asks for the job's watermark decides when a
//     silent partition no longer counts (the view dag.watermarks).
//
// Model: Akidau et al., "The Dataflow Model", PVLDB 8(12), 2015. We differ from Spark's rule, which takes the watermark
// of the batch before and so lets the size of batches decide what is late.
package window
