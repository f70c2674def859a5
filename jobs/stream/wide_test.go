package stream

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Keys in no order make batches larger while there is a backlog, and keys that ascend do not; either way all is stored.
func TestScatteredKeysMakeLargerBatches(t *testing.T) {
	t.Parallel()
	const rows, partitions = 100_000, defaultRows / leastBatch // of many partitions each has the smallest batches
	for name, scattered := range map[string]bool{"ascending": false, "in_no_order": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, partitions, sales)
			ids := rand.New(rand.NewPCG(3, 4)).Perm(rows)
			values := make([]string, rows)
			for i := range values {
				id := i
				if scattered {
					id = ids[i]
				}
				values[i] = makeSale(id, time.Duration(i)*time.Millisecond)
			}
			for i := 0; i < rows; i += 5000 {
				r.send(0, values[i:i+5000]...)
			}
			r.once()
			if n := r.rows(); n != rows {
				t.Errorf("%d rows, want %d", n, rows)
			}
			// A batch is over its size by what the last fetch has brought, at most.
			most := r.number("select max(messages) from dag.stream_batches")
			if wide := most >= wider*leastBatch; wide != scattered {
				t.Errorf("the largest batch has %d rows; batches of %d or more: %v, want %v", most, wider*leastBatch, wide, scattered)
			}
			r.verify()
		})
	}
}
