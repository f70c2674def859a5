package runner

import (
	"log/slog"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// Status is what one job is doing now.
type Status struct {
	Job       string      `json:"job"`
	Stream    bool        `json:"stream"`
	State     string      `json:"state"` // a run.Health of a stream; running, queued, waiting or the last run's state of a batch job
	Rows      int64       `json:"rows"`  // streams: rows by this run
	Rate      float64     `json:"rows_per_second"`
	Lag       int64       `json:"lag"` // messages; -1 when not known
	Watermark time.Time   `json:"watermark,omitzero"`
	Restarts  int         `json:"restarts"`
	Note      string      `json:"note"`
	Began     time.Time   `json:"began,omitzero"` // of the run in hand or the last one
	Last      run.Run     `json:"last"`           // the last run that ended
	Gate      gate.Answer `json:"gate"`
	Error     string      `json:"error"` // of the last failure, until the next success
}

// Status tells what every job is doing, in plan order.
func (r *Runner) Status() []Status {
	out := make([]Status, 0, len(r.nodes))
	for _, n := range r.nodes {
		out = append(out, n.status())
	}
	return out
}

func (n *node) status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := Status{
		Job: n.Name, Stream: n.Job.Kind.Stream, Rows: n.progress.Rows, Rate: n.rate.perSecond(time.Now()), Lag: n.progress.Lag,
		Watermark: n.progress.Watermark, Restarts: n.restarts, Note: n.progress.Note, Began: n.began, Last: n.last,
		Gate: n.answer, Error: n.lastErr,
	}
	switch {
	case s.Stream:
		s.State = string(n.health)
	case n.running:
		s.State = string(run.Running)
	case n.queued:
		s.State = string(run.Queued)
	case n.last.ID != "":
		s.State, s.Note = string(n.last.State), n.last.Note
	default:
		s.State = string(run.Waiting)
	}
	return s
}

func (n *node) begin(trigger string, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running, n.trigger, n.began = true, trigger, at
	n.progress, n.moved, n.calm, n.rate = run.Progress{Lag: -1}, time.Time{}, time.Time{}, rate{}
}

func (n *node) end(rec run.Run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running, n.last = false, rec
	if rec.State == run.Failed || rec.State == run.TimedOut {
		n.fails++
	} else {
		n.fails = 0
	}
}

// fail notes a run that could not even be recorded.
func (n *node) fail(rec run.Run, err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	rec.State, rec.Error, rec.Ended = run.Failed, err.Error(), now
	n.running, n.last = false, rec
	n.fails++
}

func (n *node) report(p run.Progress) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if p.Rows != n.progress.Rows || n.moved.IsZero() {
		n.moved = now
	}
	n.progress = p
	n.rate.add(now, p.Rows)
}

func (n *node) setHealth(h run.Health) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h == run.Draining && n.health == run.Stopped {
		return // the news of the stop came after the end
	}
	if h == run.Starting {
		n.wasLive = false
	}
	n.health = h
}

func (n *node) restarted() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.restarts++
	n.health = run.BackingOff
}

// complain logs a failure once for each change of its message.
func (n *node) complain(log *slog.Logger, msg string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lastErr != msg {
		log.Error("run failed", "job", n.Name, "error", msg)
	}
	n.lastErr = msg
}

func (n *node) recovered(log *slog.Logger) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lastErr != "" {
		log.Info("run succeeded again", "job", n.Name)
	}
	n.lastErr = ""
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
