package stream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
)

// Replayed is what became of dead letters that were tried again: Tried = Stored + Held + Dead.
type Replayed struct {
	Tried  int64 `json:"tried"`
	Stored int64 `json:"stored"` // rows of the raw table now, or repeats of one
	Held   int64 `json:"held"`   // fit, but wait for a dimension row
	Dead   int64 `json:"dead"`   // stay, with the reason they have now
}

// Replay tries the dead letters of this stream again that f means, and waits until all have been. They take the way of
// held rows: the owner of each partition does it between two batches, under its guard, judged by the watermark at the
// letter's own place in the log. So it is safe beside a running stream, and a letter that was stored cannot be stored
// again. Partitions that nobody owns are claimed for it, with nothing else read. A running stream decodes with
// the schema it was started with: restart it first when the dagfile has changed.
func (j *Job) Replay(ctx context.Context, f ledger.DeadFilter) (Replayed, error) {
	var r Replayed
	if f.Topic != "" && f.Topic != j.with.Topic {
		return r, fmt.Errorf("%s reads topic %q now and cannot replay dead letters of %q; drop them, or let a stream read that topic", j.name, j.with.Topic, f.Topic)
	}
	f.Job, f.Topic = j.name, j.with.Topic
	marked, err := ledger.MarkReplay(ctx, j.deps.DB, f)
	if err != nil {
		return r, err
	}
	for _, m := range marked {
		r.Tried += int64(m.Len())
		held, dead, err := j.await(ctx, m)
		r.Held, r.Dead = r.Held+held, r.Dead+dead
		if err != nil {
			return r, err
		}
	}
	r.Stored = r.Tried - r.Held - r.Dead
	return r, nil
}

// replayPoll is how often a replay looks whether it is done.
const replayPoll = 100 * time.Millisecond

func (j *Job) await(ctx context.Context, m ledger.Marked) (held, dead int64, err error) {
	for {
		pending, dead, held, err := m.Left(ctx, j.deps.DB)
		if err != nil || pending == 0 {
			return held, dead, err
		}
		ps, err := ledger.Progress(ctx, j.deps.DB, j.name)
		if err != nil {
			return held, dead, err
		}
		if slices.ContainsFunc(ps, func(p ledger.Partition) bool { return p.Topic == m.Topic && p.Replay && !p.Live }) {
			if _, err := j.run(ctx, run.Input{Once: true}, true); err != nil {
				return held, dead, err
			}
		}
		select {
		case <-ctx.Done():
			return held, dead, context.Cause(ctx)
		case <-time.After(replayPoll):
		}
	}
}
