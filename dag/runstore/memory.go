package runstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tillflow/dag/run"
)

// Memory keeps runs for the life of the process.
type Memory struct {
	mu       sync.Mutex
	runs     []*memRun // in the order they began
	cursors  map[string]map[string]int64
	attempts map[run.ID][]run.Attempt
}

type memRun struct {
	run.Run
	lease time.Time
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{cursors: map[string]map[string]int64{}, attempts: map[run.ID][]run.Attempt{}}
}

func (m *Memory) find(id run.ID) *memRun {
	for _, r := range m.runs {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Begin records a run that starts.
func (m *Memory) Begin(_ context.Context, r run.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(r.ID) != nil {
		return fmt.Errorf("run %s exists", r.ID)
	}
	r.Ledger = maps.Clone(r.Ledger)
	m.runs = append(m.runs, &memRun{r, time.Now().Add(leaseTTL)})
	return nil
}

// Attempt records one try that ended.
func (m *Memory) Attempt(_ context.Context, id run.ID, a run.Attempt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(id) == nil {
		return fmt.Errorf("run %s is not known", id)
	}
	m.attempts[id] = append(m.attempts[id], a)
	return nil
}

// Finish records the end of a run and, on success, moves the job's cursors.
func (m *Memory) Finish(_ context.Context, r run.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.find(r.ID)
	if old == nil || old.State != run.Running {
		return fmt.Errorf("run %s: %w", r.ID, ErrClosed)
	}
	old.State, old.Ended, old.Error, old.Result = r.State, r.Ended, r.Error, r.Result
	if r.State == run.Succeeded && len(r.Ledger) > 0 {
		if m.cursors[r.Job] == nil {
			m.cursors[r.Job] = map[string]int64{}
		}
		maps.Copy(m.cursors[r.Job], r.Ledger)
	}
	return nil
}

// Extend renews the leases of an instance's runs.
func (m *Memory) Extend(_ context.Context, instance string, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if r.Instance == instance && r.State == run.Running {
			r.lease = time.Now().Add(ttl)
		}
	}
	return nil
}

// Recover closes the runs of this instance's earlier life and those whose lease has lapsed.
func (m *Memory) Recover(_ context.Context, instance string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.runs {
		if r.State == run.Running && (r.Instance == instance || r.lease.Before(time.Now())) {
			r.State, r.Ended, r.Error = run.Canceled, time.Now(), "interrupted: its process ended"
			n++
		}
	}
	return n, nil
}

// Last gives the last run of a job that ended.
func (m *Memory) Last(_ context.Context, job string) (run.Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Backward(m.runs) {
		if r.Job == job && r.State.Ended() {
			return r.Run, true, nil
		}
	}
	return run.Run{Job: job}, false, nil
}

// Cursors gives the rows of each stream that the job's last successful run had seen.
func (m *Memory) Cursors(_ context.Context, job string) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int64{}
	maps.Copy(out, m.cursors[job])
	return out, nil
}

// Prune forgets runs that ended before t, but never a job's last one.
func (m *Memory) Prune(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	newer := map[string]bool{}
	var kept []*memRun
	for _, r := range slices.Backward(m.runs) {
		if !newer[r.Job] || !r.State.Ended() || !r.Ended.Before(t) {
			kept = append(kept, r)
		}
		newer[r.Job] = true
	}
	slices.Reverse(kept)
	m.runs = kept
	return nil
}
