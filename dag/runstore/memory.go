package runstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tillflow/dag/run"
)

// Memory keeps runs for the life of the process.
type Memory struct {
	mu      sync.Mutex
	runs    []*memRun          // in the order they began
	byID    map[run.ID]*memRun // the same
	cursors map[string]map[string]int64
	marks   map[string]map[string]time.Time
	pauses  map[string]run.Pause
	shares  map[string]map[run.ID]share // by pool

	intervals map[string][]*run.Interval // by backfill
	locked    map[string]bool            // backfills
}

type memRun struct {
	run.Run
	lease    time.Time
	attempts []run.Attempt
	log      []run.Line
}

type share struct {
	cost  int
	until time.Time
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		byID: map[run.ID]*memRun{}, cursors: map[string]map[string]int64{}, marks: map[string]map[string]time.Time{},
		pauses: map[string]run.Pause{}, shares: map[string]map[run.ID]share{},
		intervals: map[string][]*run.Interval{}, locked: map[string]bool{},
	}
}

// Begin records a run that starts, or takes over one that Recover gave.
func (m *Memory) Begin(_ context.Context, r run.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	lease := time.Now().Add(leaseTTL)
	if old := m.byID[r.ID]; old != nil {
		if old.State != run.Canceled || old.Fence != r.Fence || r.Fence == 0 {
			return errExists(r.ID)
		}
		old.State, old.Instance, old.Ended, old.Error, old.lease = r.State, r.Instance, time.Time{}, "", lease
		return nil
	}
	if r.Backfill != "" {
		for _, other := range m.runs {
			if other.State == run.Running && other.Backfill == r.Backfill && other.From.Equal(r.From) && other.To.Equal(r.To) {
				return fmt.Errorf("run %s does the interval already", other.ID)
			}
		}
	}
	r.Ledger, r.Params = maps.Clone(r.Ledger), maps.Clone(r.Params)
	m.byID[r.ID] = &memRun{Run: r, lease: lease}
	m.runs = append(m.runs, m.byID[r.ID])
	return nil
}

// Attempt records one try that ended.
func (m *Memory) Attempt(_ context.Context, id run.ID, a run.Attempt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.byID[id]
	if r == nil {
		return fmt.Errorf("%s: %w", id, run.ErrUnknown)
	}
	r.attempts = append(r.attempts, a)
	return nil
}

// Finish records the end of a run and, on success, moves the job's cursors.
func (m *Memory) Finish(_ context.Context, r run.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.byID[r.ID]
	if old == nil || old.State != run.Running || old.Fence != r.Fence {
		return fmt.Errorf("run %s: %w", r.ID, run.ErrFenced)
	}
	old.State, old.Ended, old.Error, old.Result = r.State, r.Ended, r.Error, r.Result
	if r.Try.Number > 0 {
		old.attempts = append(old.attempts, r.Try)
	}
	m.free(r.ID)
	if v := m.interval(old.Backfill, old.From, old.To); v != nil {
		v.State, v.Run = r.State, r.ID
	}
	if m.cursors[r.Job] == nil {
		m.cursors[r.Job], m.marks[r.Job] = map[string]int64{}, map[string]time.Time{}
	}
	streams, rows, marks := cursorsOf(r)
	for i, s := range streams {
		m.cursors[r.Job][s] = max(m.cursors[r.Job][s], rows[i])
		if marks[i] != nil && marks[i].After(m.marks[r.Job][s]) {
			m.marks[r.Job][s] = *marks[i]
		}
	}
	return nil
}

func (m *Memory) free(id run.ID) {
	for _, shares := range m.shares {
		delete(shares, id)
	}
}

// Extend renews the leases of an instance's runs and of their shares of pools.
func (m *Memory) Extend(_ context.Context, instance string, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	until := time.Now().Add(ttl)
	for _, r := range m.runs {
		if r.Instance != instance || r.State != run.Running {
			continue
		}
		r.lease = until
		for _, shares := range m.shares {
			if s, ok := shares[r.ID]; ok {
				shares[r.ID] = share{s.cost, until}
			}
		}
	}
	return nil
}

// Recover closes the runs of this instance's earlier life and those whose lease has lapsed, and gives them.
func (m *Memory) Recover(_ context.Context, instance string) ([]run.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var closed []run.Run
	now := time.Now()
	for _, r := range m.runs {
		if r.State != run.Running || r.Instance != instance && !r.lease.Before(now) {
			continue
		}
		r.State, r.Ended, r.Error = run.Canceled, now, run.Interrupted
		r.Fence++
		began := r.Started
		if n := len(r.attempts); n > 0 {
			began = r.attempts[n-1].Ended
		}
		r.attempts = append(r.attempts, run.Attempt{Number: len(r.attempts) + 1, State: run.Canceled, Started: began, Ended: now, Error: run.Interrupted})
		m.free(r.ID)
		closed = append(closed, r.Run)
	}
	return closed, nil
}

// Last gives the last run of a job that ended; the runs of backfills do not count.
func (m *Memory) Last(_ context.Context, job string) (run.Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Backward(m.runs) {
		if r.Job == job && r.State.Ended() && r.Backfill == "" {
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

// Marks gives, per stream, the watermark that the job's last successful run was for.
func (m *Memory) Marks(_ context.Context, job string) (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]time.Time{}
	maps.Copy(out, m.marks[job])
	return out, nil
}

// Prune forgets runs that ended before t, but never the last one of a job's own schedule.
func (m *Memory) Prune(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	newer := map[string]bool{}
	var kept []*memRun
	for _, r := range slices.Backward(m.runs) {
		if r.State.Ended() && r.Ended.Before(t) && (newer[r.Job] || r.Backfill != "") {
			delete(m.byID, r.ID)
		} else {
			kept = append(kept, r)
		}
		newer[r.Job] = newer[r.Job] || r.Backfill == ""
	}
	slices.Reverse(kept)
	m.runs = kept
	return nil
}

// told is a run as people should see it now: dead when its process no longer says that it is alive.
func (r *memRun) told(now time.Time) run.Run {
	out := r.Run
	if out.State == run.Running && r.lease.Before(now) {
		out.State, out.Ended, out.Error = run.Canceled, r.lease, run.Interrupted
	}
	return out
}

// History gives the runs that a filter chooses, the newest first.
func (m *Memory) History(_ context.Context, f run.Filter) ([]run.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []run.Run
	now := time.Now()
	for _, mr := range slices.Backward(m.runs) {
		r := mr.told(now)
		if (f.Job == "" || r.Job == f.Job) && (f.State == "" || r.State == f.State) && !r.Started.Before(f.Since) && (f.Backfill == "" || r.Backfill == f.Backfill) &&
			(!f.Own || r.Backfill == "") {
			out = append(out, r)
		}
		if f.Limit > 0 && len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// Get gives one run and its tries that ended. The error is run.ErrUnknown when there is no such run.
func (m *Memory) Get(_ context.Context, id run.ID) (run.Run, []run.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.byID[id]
	if r == nil {
		return run.Run{}, nil, fmt.Errorf("%s: %w", id, run.ErrUnknown)
	}
	return r.told(time.Now()), slices.Clone(r.attempts), nil
}

// Find gives the one run whose id begins or ends with what a person typed.
func (m *Memory) Find(_ context.Context, text string) (run.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, r := range slices.Backward(m.runs) {
		if id := string(r.ID); strings.HasPrefix(id, text) || strings.HasSuffix(id, text) {
			ids = append(ids, id)
		}
	}
	return one(text, ids)
}
