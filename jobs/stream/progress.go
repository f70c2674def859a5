package stream

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
)

// counts is what became of messages.
type counts struct{ inserted, duplicates, late, dead, held, future int64 }

// counters add up what this run did, from committed batches only.
type counters struct {
	mu      sync.Mutex
	sum     counts
	workers map[int]*atomic.Int64 // next offset of the partitions owned now
	left    map[int]int64         // next offset of those owned before
}

func (c *counters) add(n counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.inserted += n.inserted
	c.sum.duplicates += n.duplicates
	c.sum.late += n.late
	c.sum.dead += n.dead
	c.sum.held += n.held
	c.sum.future += n.future
}

func (c *counters) get() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

func (c *counters) own(p int, next *atomic.Int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.workers == nil {
		c.workers, c.left = map[int]*atomic.Int64{}, map[int]int64{}
	}
	c.workers[p] = next
	delete(c.left, p)
}

func (c *counters) disown(p int, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.workers, p)
	c.left[p] = next
}

// offsets are the next offsets of the partitions owned now.
func (c *counters) offsets() map[int]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[int]int64{}
	for p, next := range c.workers {
		out[p] = next.Load()
	}
	return out
}

// at is where a partition stands as far as this process knows better than the ledger's last view.
func (c *counters) at(p int, view int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if next := c.workers[p]; next != nil {
		return max(view, next.Load())
	}
	return max(view, c.left[p])
}

// The kinds of trouble a message can be, for telling about the first of each.
var kinds = [6]struct{ what, see string }{
	1: {"a repeated message: its key is in the table already", "dag.stream_batches"},
	2: {"a late message: its window had ended before it came", "dag.late_rows"},
	3: {"a message that is no row", "dag.dead_letters"},
	4: {"a message that waits for its dimension row", "dag.held_rows"},
	5: {"a message from the future: its clock is wrong, or the log's is; it moves no watermark", "dag.future_rows"},
}

// count notes a committed batch.
func (s *stream) count(partition int, n counts) {
	s.total.add(n)
	for i, v := range []int64{0, n.duplicates, n.late, n.dead, n.held, n.future} {
		if v > 0 && !s.told[i].Swap(true) {
			s.log.Warn("first "+strings.TrimPrefix(kinds[i].what, "a "), "partition", partition, "see", kinds[i].see)
		}
	}
}

// report tells the runner how far the stream is. It is called about once a second.
func (c *coordinator) report() {
	c.reported = time.Now()
	var lag int64
	ps := slices.Clone(c.view.Partitions)
	ps = slices.DeleteFunc(ps, func(p ledger.Partition) bool { return p.Topic != c.with.Topic })
	for i := range ps {
		p := &ps[i]
		p.Next = c.total.at(p.Partition, p.Next)
		p.LogEnd = max(p.LogEnd, c.scout.end(p.Partition))
		if w := c.workers[p.Partition]; w != nil {
			p.LogEnd = max(p.LogEnd, w.logEnd.Load())
		}
		lag += p.Lag()
	}
	if len(ps) == 0 {
		lag = -1
	}
	c.in.Progress(run.Progress{Rows: c.total.get().inserted, Lag: lag, Watermark: c.view.Watermark, Note: c.note()})
}

// note says in a few words what a person should know.
func (c *coordinator) note() string {
	var parts []string
	if trouble := c.troubles.note(); trouble != "" {
		parts = append(parts, trouble)
	}
	for _, p := range c.scout.partitions() {
		if err := c.broken[p].err; err != nil && err != errEnd {
			parts = append(parts, fmt.Sprintf("partition %d stopped: %v", p, err))
		}
	}
	n := c.total.get()
	for i, v := range []int64{n.duplicates, n.late, n.dead, n.held, n.future} {
		if v > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v, [...]string{"repeated", "late", "dead", "held", "from the future"}[i]))
		}
	}
	if unknown := c.drift.note(); unknown != "" {
		parts = append(parts, unknown)
	}
	return strings.Join(parts, ", ")
}

// result is what the run did.
func (s *stream) result() run.Result {
	n := s.total.get()
	return run.Result{RowsRead: n.inserted + n.duplicates + n.dead + n.held, RowsWritten: n.inserted}
}
