package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/ledger"
)

// troubles are the states of trouble of one stream in this process, from all its goroutines. They are kept in memory,
// for the note of the stream's progress while Postgres is away, and noted in the ledger when something has changed.
type troubles struct {
	job string
	now func() time.Time

	mu     sync.Mutex
	states map[stateKey]*state
	clears []clearing // states of partitions that are over, whoever has noted them
}

type stateKey struct {
	partition int // -1: the whole stream
	kind      kind
}

type state struct {
	example     string
	advice      string
	offset      *int64
	since, last time.Time
	over        time.Time // zero: it lasts
	tries       int64
	doers       map[string]bool // who is in it
	told        time.Time       // when the ledger was last told; zero: it does not know it as it is
}

type clearing struct {
	partition int
	kinds     []string
}

// retell is how often the ledger is told of a state that lasts and only goes on.
const retell = 10 * time.Second

func newTroubles(job string, now func() time.Time) *troubles {
	return &troubles{job: job, now: now, states: map[stateKey]*state{}}
}

// see notes that doer, which names one place in the program, is in a state.
func (t *troubles) see(doer string, partition int, k kind, example string, offset *int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for key, s := range t.states { // one place is in one state at a time
		if s.doers[doer] && key != (stateKey{partition, k}) {
			t.leave(s, doer, now)
		}
	}
	key := stateKey{partition, k}
	s := t.states[key]
	if s == nil || !s.over.IsZero() {
		s = &state{example: example, offset: offset, advice: advice(k, t.job, partition), since: now, doers: map[string]bool{}}
		t.states[key] = s
	}
	s.doers[doer] = true
	s.last = now
	s.tries++
}

// over notes that doer is in no trouble any more.
func (t *troubles) over(doer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.states {
		if s.doers[doer] {
			t.leave(s, doer, t.now())
		}
	}
}

func (t *troubles) leave(s *state, doer string, now time.Time) {
	delete(s.doers, doer)
	if len(s.doers) == 0 && s.over.IsZero() {
		s.over, s.told = now, time.Time{}
	}
}

// happened notes something that is over as soon as it was seen.
func (t *troubles) happened(k kind, example string) {
	t.see(string(k), -1, k, example, nil)
	t.over(string(k))
}

// clear notes that a partition works, so that it is in none of these states, whatever process has noted them.
func (t *troubles) clear(partition int, kinds []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, s := range t.states {
		if key.partition == partition && slices.Contains(kinds, string(key.kind)) && s.over.IsZero() {
			clear(s.doers)
			s.over, s.told = t.now(), time.Time{}
		}
	}
	t.clears = append(t.clears, clearing{partition, kinds})
}

// tell notes in the ledger what has changed since the last time. While nothing has, nothing is sent. What could not be noted
// is noted the next time.
func (t *troubles) tell(ctx context.Context, m ledger.Member, db ledger.DB) error {
	q, done := t.news(m)
	if q.Len() == 0 {
		return nil
	}
	if err := db.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("note trouble: %w", err)
	}
	done()
	return nil
}

// news queues what the ledger does not know yet; done is called when it does.
func (t *troubles) news(m ledger.Member) (q *pgx.Batch, done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q = &pgx.Batch{}
	now := t.now()
	for _, c := range t.clears {
		m.QueueOver(q, c.partition, c.kinds)
	}
	clears := len(t.clears)
	sent := map[stateKey]*state{}
	for _, key := range slices.SortedFunc(maps.Keys(t.states), stateKey.compare) {
		s := t.states[key]
		if !s.told.IsZero() && (!s.over.IsZero() || !s.last.After(s.told) || now.Sub(s.told) < retell) {
			continue
		}
		l := ledger.State{Partition: key.partition, Kind: string(key.kind), Count: s.tries, Example: s.example, Offset: s.offset,
			Advice: s.advice, Since: now.Sub(s.since), Last: now.Sub(s.last)}
		if !s.over.IsZero() {
			ago := now.Sub(s.over)
			l.Over = &ago
		}
		m.QueueState(q, l)
		sent[key] = &state{over: s.over}
	}
	return q, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.clears = t.clears[clears:]
		for key, was := range sent {
			s := t.states[key]
			switch {
			case s.over.IsZero() && was.over.IsZero():
				s.told = now
			case s.over.Equal(was.over):
				delete(t.states, key) // told to the end
			}
		}
	}
}

func (k stateKey) compare(o stateKey) int {
	if k.partition != o.partition {
		return k.partition - o.partition
	}
	return strings.Compare(string(k.kind), string(o.kind))
}

// note says in a few words which trouble lasts that passes by itself; empty when there is none.
func (t *troubles) note() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for _, key := range slices.SortedFunc(maps.Keys(t.states), stateKey.compare) {
		if s := t.states[key]; s.over.IsZero() && slices.Contains(passingKinds, string(key.kind)) {
			parts = append(parts, fmt.Sprintf("%s since %s", strings.ReplaceAll(string(key.kind), "-", " "), s.since.Format("15:04:05")))
		}
	}
	return strings.Join(parts, ", ")
}

// kafka notes what the Kafka client says about trouble it waits for.
func (t *troubles) kafka(doing string, err error) {
	if err == nil {
		t.over("kafka: " + doing)
		return
	}
	t.see("kafka: "+doing, -1, brokerAway, doing+": "+err.Error(), nil)
}
