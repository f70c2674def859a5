package ledger

import (
	"context"
	"fmt"
	"time"
)

// Settings are what SQL must know of a stream to tell its watermark and which windows are closed.
type Settings struct {
	Topic   string
	Delay   time.Duration // how long stragglers are waited for
	Idle    time.Duration // how long a partition may be silent before it no longer holds the others back
	MaxSkew time.Duration // an event further ahead of its message's time in the log moves no watermark
	Late    string        // drop or include
	Windows []WindowTable
}

// WindowTable is a table of windows that a stream keeps.
type WindowTable struct {
	Name string // as SQL writes it; the table exists
	Size time.Duration
	Step time.Duration // how far apart windows begin
}

// Register records what a stream is set to. It is called each time the stream starts, and replaces what was there.
func Register(ctx context.Context, db DB, job string, s Settings) error {
	names, sizes, steps := make([]string, len(s.Windows)), make([]int64, len(s.Windows)), make([]int64, len(s.Windows))
	for i, w := range s.Windows {
		names[i], sizes[i], steps[i] = w.Name, micros(w.Size), micros(w.Step)
	}
	if _, err := db.Exec(ctx, qRegister, job, s.Topic, micros(s.Delay), micros(s.Idle), micros(s.MaxSkew), s.Late, names, sizes, steps); err != nil {
		return fmt.Errorf("register %s: %w", job, err)
	}
	return nil
}

// Watermark returns how far event time is complete for a whole stream job: the least of its active partitions' greatest
// event times, less the delay it is registered with. False when it has no event yet, never started, or has a partition
// none of whose messages is stored yet.
//
// A partition is idle, and does not hold the others back, when all it has is stored and no batch moved it during the last
// idle time of the partition that moved last. When an idle partition wakes up with older events, the watermark goes back
// to them. The rule stands in the view dag.watermarks, so that a report's SQL (dag.watermark, dag.closed_until) and Go
// never differ.
func Watermark(ctx context.Context, db DB, job string) (time.Time, bool, error) {
	var at *time.Time
	if err := db.QueryRow(ctx, qWatermark, job).Scan(&at); err != nil {
		return time.Time{}, false, fmt.Errorf("read the watermark of %s: %w", job, err)
	}
	if at == nil {
		return time.Time{}, false, nil
	}
	return at.UTC(), true, nil
}
