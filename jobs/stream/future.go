package stream

import (
	"github.com/apache/arrow/go/v17/arrow"

	"tillflow/lib/ledger"
)

// future is a row whose event time is too far ahead of its message's time in the log to move the watermark.
type future struct{ offset, logTime int64 }

// ahead lists the rows from the future that are new in the table.
func (w *writer) ahead(r *rows, verdicts []verdict, times []arrow.Timestamp, out *ledger.Batch) {
	i := 0
	for _, f := range r.future {
		for i < len(r.offsets) && r.offsets[i] < f.offset {
			i++
		}
		if i < len(r.offsets) && r.offsets[i] == f.offset && verdicts[i].inserted {
			out.Future = append(out.Future, ledger.Future{Offset: f.offset, EventTime: int64(times[i]), LogTime: f.logTime, Key: w.keyOf(r.rec, i)})
		}
	}
}
