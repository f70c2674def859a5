package runstore

import (
	"context"
	"fmt"
	"maps"
	"time"

	"tillflow/dag/run"
)

// AppendLog adds a piece to a run's log, up to run.LogCap bytes.
func (m *Memory) AppendLog(_ context.Context, id run.ID, attempt int, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.byID[id]
	if r == nil {
		return fmt.Errorf("%s: %w", id, run.ErrUnknown)
	}
	var seq int64
	if n := len(r.log); n > 0 {
		seq = r.log[n-1].Seq
	}
	if text == "" || seq >= run.LogCap {
		return nil
	}
	text = clean(text)
	if seq += int64(len(text)); seq >= run.LogCap {
		text += cutNote
	}
	r.log = append(r.log, run.Line{Seq: seq, Attempt: attempt, At: time.Now(), Text: text})
	return nil
}

// Log gives the pieces of a run's log after a place in it.
func (m *Memory) Log(_ context.Context, id run.ID, after int64) ([]run.Line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []run.Line
	if r := m.byID[id]; r != nil {
		for _, l := range r.log {
			if l.Seq > after {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// Pauses gives the paused jobs by name.
func (m *Memory) Pauses(context.Context) (map[string]run.Pause, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.pauses), nil
}

// Pause says that no new run of a job starts by itself. Pausing again changes the reason only.
func (m *Memory) Pause(_ context.Context, job, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.pauses[job]
	if !ok {
		p.Since = time.Now()
	}
	p.Reason = reason
	m.pauses[job] = p
	return nil
}

// Resume ends a pause.
func (m *Memory) Resume(_ context.Context, job string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pauses, job)
	return nil
}

// Acquire takes cost of a pool's size for a run and tells whether there was room.
func (m *Memory) Acquire(_ context.Context, pool string, size, cost int, id run.ID, ttl time.Duration) (bool, error) {
	if err := fits(pool, size, cost); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, used := time.Now(), 0
	shares := m.shares[pool]
	if shares == nil {
		shares = map[run.ID]share{}
		m.shares[pool] = shares
	}
	for other, s := range shares {
		if s.until.Before(now) {
			delete(shares, other)
		} else if other != id {
			used += s.cost
		}
	}
	if used+cost > size {
		return false, nil
	}
	shares[id] = share{cost, now.Add(ttl)}
	return true, nil
}

// Release gives a run's share of a pool back.
func (m *Memory) Release(_ context.Context, pool string, id run.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.shares[pool], id)
	return nil
}
