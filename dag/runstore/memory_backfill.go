package runstore

import (
	"context"
	"slices"
	"time"

	"tillflow/dag/run"
)

// OpenBackfill makes a backfill and its intervals known, as far as they are not.
func (m *Memory) OpenBackfill(_ context.Context, b run.Backfill, intervals []run.Interval) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range intervals {
		if m.interval(b.ID, v.From, v.To) == nil {
			m.intervals[b.ID] = append(m.intervals[b.ID], &run.Interval{From: v.From, To: v.To, State: run.Missing})
		}
	}
	return nil
}

// interval finds a known one; nil otherwise. The caller holds mu.
func (m *Memory) interval(backfill string, from, to time.Time) *run.Interval {
	for _, v := range m.intervals[backfill] {
		if v.From.Equal(from) && v.To.Equal(to) {
			return v
		}
	}
	return nil
}

// Intervals gives the intervals of a backfill that have been asked for, by time.
func (m *Memory) Intervals(_ context.Context, backfill string) ([]run.Interval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []run.Interval
	for _, v := range m.intervals[backfill] {
		out = append(out, *v)
	}
	now := time.Now()
	for _, r := range m.runs {
		for i, v := range out {
			if r.Backfill == backfill && r.From.Equal(v.From) && r.To.Equal(v.To) && r.told(now).State == run.Running {
				out[i].State, out[i].Run = run.Running, r.ID
			}
		}
	}
	slices.SortFunc(out, func(a, b run.Interval) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		return a.To.Compare(b.To)
	})
	return out, nil
}

// LockBackfill makes the caller the one that works on a backfill, until release.
func (m *Memory) LockBackfill(_ context.Context, backfill string) (release func(), ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[backfill] {
		return nil, false, nil
	}
	m.locked[backfill] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locked, backfill)
	}, true, nil
}
