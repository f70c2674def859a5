package runner

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// Status is what one job is doing now.
type Status struct {
	Job       string              `json:"job"`
	Stream    bool                `json:"stream"`
	Needs     []string            `json:"needs,omitempty"` // the jobs it needs, in plan order
	State     string              `json:"state"`           // a run.Health of a stream; running, queued, waiting, paused or the last run's state of a batch job
	Rows      int64               `json:"rows"`            // streams: rows by this run
	Rate      float64             `json:"rows_per_second"`
	Lag       int64               `json:"lag"` // messages; -1 when not known
	Watermark time.Time           `json:"watermark,omitzero"`
	Restarts  int                 `json:"restarts"`
	Note      string              `json:"note"`
	Began     time.Time           `json:"began,omitzero"`    // of the run in hand or the last one
	Trigger   string              `json:"trigger,omitempty"` // of the run in hand
	Last      run.Run             `json:"last"`              // the last run that ended
	Runs      map[run.State]int64 `json:"runs,omitempty"`    // that ended since this process began, by outcome
	Gate      gate.Answer         `json:"gate"`
	Why       gate.Answer         `json:"why"`              // all that decides whether it runs: needs, gate, and what else holds it back
	Vitals    *Vitals             `json:"vitals,omitempty"` // streams: the numbers behind the state
	Paused    string              `json:"paused,omitempty"` // the reason of a pause, or "by a person"
	Error     string              `json:"error"`            // of the last failure, until the next success
}

// Held is the state of a job that a person has paused, once nothing of it runs any more.
const Held = "paused"

// Status tells what every job is doing, in plan order.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.moment()
	out := make([]Status, 0, len(r.nodes))
	for _, n := range r.nodes {
		out = append(out, r.status(m, n))
	}
	return out
}

// Explain judges one job now and tells all that decides. A Runner that is not running is asked after Look.
func (r *Runner) Explain(job string) (Status, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byName[job]
	if n == nil {
		return Status{}, false
	}
	return r.status(r.moment(), n), true
}

// Look reads history, ledger and pauses once, for a Runner that explains without running.
func (r *Runner) Look(ctx context.Context) error {
	for _, n := range r.nodes {
		if err := r.remember(ctx, n); err != nil {
			return err
		}
		r.mu.Lock()
		if n.health = ""; n.last.ID != "" && !n.Job.Kind.Stream {
			n.past.ended = 1 // nothing runs, so what history says is what a need is judged by
		}
		r.mu.Unlock()
	}
	if r.streams {
		r.readLedger(ctx)
	}
	r.readPauses(ctx)
	return ctx.Err()
}

// status tells what a job is doing. The judgement is made anew, so that its times are those of now. The caller holds mu.
func (r *Runner) status(m moment, n *node) Status {
	s := Status{
		Job: n.Name, Stream: n.Job.Kind.Stream, Rows: n.progress.Rows, Rate: n.rate.perSecond(time.Now()), Lag: n.progress.Lag,
		Watermark: n.progress.Watermark, Restarts: n.restartCount, Note: n.progress.Note, Began: n.began, Last: n.last, Error: n.lastErr,
		Runs: maps.Clone(n.outcomes),
	}
	for _, up := range r.nodes {
		if slices.Contains(n.Node.Needs, up.Node) {
			s.Needs = append(s.Needs, up.Name)
		}
	}
	if n.pause != nil {
		if s.Paused = n.pause.Reason; s.Paused == "" {
			s.Paused = "by a person"
		}
	}
	if s.Stream {
		v := n.vitals
		s.State, s.Vitals, s.Why = string(n.health), &v, needs(m, n.Node)
		s.Why.Sub = append(s.Why.Sub, holds(m, n.Node)...)
		if n.pause != nil && (n.health == run.Stopped || n.health == run.Waiting) {
			s.State = Held
		}
		return s
	}
	v := decide(m, n.Node)
	s.Gate, s.Why = v.gate, v.why
	switch {
	case n.inHand != nil:
		s.State, s.Trigger = string(n.inHand.State), n.inHand.Trigger
	case n.pause != nil:
		s.State, s.Note = Held, n.last.Note
	case n.last.ID != "":
		s.State, s.Note = string(n.last.State), n.last.Note
	default:
		s.State = string(run.Waiting)
	}
	return s
}

// report takes an attempt's progress.
func (r *Runner) report(n *node, p run.Progress) {
	p.Note = r.cfg.Hide(p.Note)
	r.mu.Lock()
	defer r.mu.Unlock()
	n.progress, n.reported = p, true
	n.rate.add(time.Now(), p.Rows)
}

// news keeps the last failure and gives what to log of a run's end: a failure once for each change of its message, and
// the first success after it. The caller holds mu.
func (n *node) news(rec run.Run) func(*slog.Logger) {
	was := n.lastErr
	switch {
	case rec.State.Bad():
		if n.lastErr = rec.Error; was != rec.Error {
			return func(log *slog.Logger) { log.Error("run failed", "job", n.Name, "error", rec.Error) }
		}
	case rec.State.OK():
		if n.lastErr = ""; was != "" {
			return func(log *slog.Logger) { log.Info("run succeeded again", "job", n.Name) }
		}
	}
	return func(*slog.Logger) {}
}

// rate is a number of rows in a second over the last few reports.
type rate struct {
	at   [8]time.Time
	rows [8]int64
	n    int
}

func (r *rate) add(now time.Time, rows int64) {
	if r.n > 0 && now.Sub(r.at[(r.n-1)%len(r.at)]) < 500*time.Millisecond {
		return
	}
	r.at[r.n%len(r.at)], r.rows[r.n%len(r.at)] = now, rows
	r.n++
}

func (r *rate) perSecond(now time.Time) float64 {
	if r.n < 2 {
		return 0
	}
	first, last := max(0, r.n-len(r.at))%len(r.at), (r.n-1)%len(r.at)
	if d := now.Sub(r.at[first]).Seconds(); d > 0 {
		return float64(r.rows[last]-r.rows[first]) / d
	}
	return 0
}
