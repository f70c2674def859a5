package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/lib/golden"
)

// Under a clock of its own and with a seed, a run tells the same story each time: ids, pauses, times and all.
func TestEventsOfARunAreTheSameEachTime(t *testing.T) {
	tell := func() []byte {
		var mu sync.Mutex
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var tries atomic.Int64
		f := setupWith(t, `
  load: { uses: batch, retries: { max: 1, backoff: 1ms } }
  orders: { uses: stream, needs: [load] }
  sums: { uses: batch, needs: [orders] }
  page: { uses: batch, needs: [sums] }
  alarm: { uses: batch, needs: [page], rule: one-failed }
  clean: { uses: batch, needs: [alarm], rule: finally }
`, map[string]runner.Job{
			"load": job(func(context.Context, run.Input) (run.Result, error) {
				if tries.Add(1) == 1 {
					return run.Result{}, errors.New("products.csv:7:3: no price")
				}
				return run.Result{RowsRead: 12, RowsWritten: 12}, nil
			}),
			"orders": job(func(context.Context, run.Input) (run.Result, error) {
				return run.Result{RowsRead: 100, RowsWritten: 99}, nil
			}),
			"sums": job(func(context.Context, run.Input) (run.Result, error) { return run.Result{Warning: "1 row is late"}, nil }),
			"page": job(fails), "alarm": counter(new(atomic.Int64)), "clean": counter(new(atomic.Int64)),
		}, func(c *runner.Config) {
			c.Seed = 7
			c.Now = func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(time.Millisecond)
				return now
			}
		})
		f.facts.set("orders", 99)
		if err := f.Once(t.Context(), f.plan.Once(), runner.Request{Trigger: "dag run --once"}); !errors.Is(err, runner.ErrFailed) {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for _, e := range f.told.all {
			if err := json.NewEncoder(&b).Encode(e); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	first := tell()
	golden.Check(t, "testdata/events.golden", first)
	if second := tell(); !bytes.Equal(first, second) {
		t.Errorf("the second time it tells something else:\n%s", second)
	}
}
