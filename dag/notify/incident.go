// Package notify tells people what needs them: a job that failed, a stream that stalled, a run that takes too long, a gate
// that did not open in time, and the end of each of these. One message is sent for one incident, however often a job
// fails within it: who is told the same again and again stops reading.
//
//	quiet -> failed | stalled | slow | silent   a message
//	      -> recovered                          a message, when the job is well again
//
// Messages go to webhooks and commands that the dagfile names. Sending never holds the pipeline up. Only the full run sends
// them: `dag run JOB`, `dag run --once` and backfills have a person or a script before them, who gets an exit code.
package notify

import (
	"fmt"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// Schema is the version of the form of Message.
const Schema = 1

// The kinds of messages, as a dagfile names them under `on`.
const (
	Failed    = "failed"
	Recovered = "recovered"
	Stalled   = "stalled"
	Slow      = "slow"
	Silent    = "silent"
)

// Message is what a webhook gets as its body and a command on its standard input.
type Message struct {
	Schema   int       `json:"schema"`
	On       string    `json:"on"` // failed, recovered, stalled, slow, silent
	Pipeline string    `json:"pipeline,omitempty"`
	Job      string    `json:"job"`
	Run      run.ID    `json:"run,omitempty"`
	Time     time.Time `json:"time"`
	Since    time.Time `json:"since,omitzero"` // recovered: when the incident began
	After    string    `json:"after,omitempty"`
	Text     string    `json:"text"` // all of it in words; many chat services show this key
	Error    string    `json:"error,omitempty"`
}

// watch is what is known of one job. Its methods give the messages that are due, and change what is known.
type watch struct {
	job  string
	spec *spec.Job

	open   map[string]time.Time // incidents by kind, since when
	run    run.ID               // in hand
	began  time.Time            // of the run in hand
	opened time.Time            // when a run last began, or this watch
}

func newWatch(job string, j *spec.Job, now time.Time) *watch {
	return &watch{job: job, spec: j, open: map[string]time.Time{}, opened: now}
}

// raise opens an incident; nothing is said of one that is open already.
func (w *watch) raise(kind string, now time.Time, m Message) []Message {
	if _, open := w.open[kind]; open {
		return nil
	}
	w.open[kind] = now
	m.On, m.Job, m.Time = kind, w.job, now
	return []Message{m}
}

// calm closes incidents of some kinds and says that the job is well again, once for all of them.
func (w *watch) calm(now time.Time, id run.ID, text string, kinds ...string) []Message {
	var since time.Time
	after := ""
	for _, kind := range kinds {
		at, open := w.open[kind]
		if !open {
			continue
		}
		delete(w.open, kind)
		if after == "" || at.Before(since) {
			since, after = at, kind
		}
	}
	if after == "" {
		return nil
	}
	return []Message{{
		On: Recovered, Job: w.job, Run: id, Time: now, Since: since, After: after,
		Text: fmt.Sprintf("%s %s, %s after it was told as %s", w.job, text, words(now.Sub(since)), after),
	}}
}

// started notes that a run has begun: the gate has opened.
func (w *watch) started(id run.ID, now time.Time) []Message {
	w.run, w.began, w.opened = id, now, now
	return w.calm(now, id, "runs again", Silent)
}

// ended notes how a run came out. One that was canceled or skipped tells nothing of the job.
func (w *watch) ended(r run.Run, now time.Time) []Message {
	w.run, w.began = "", time.Time{}
	delete(w.open, Slow) // it took long, and it is over: its end says the rest
	switch {
	case r.State.Bad():
		return w.raise(Failed, now, Message{Run: r.ID, Error: r.Error, Text: fmt.Sprintf("%s has %s: %s", w.job, r.State, r.Error)})
	case r.State.OK():
		return w.calm(now, r.ID, "has succeeded", Failed)
	}
	return nil
}

// health notes what a stream is doing.
func (w *watch) health(h run.Health, why string, now time.Time) []Message {
	switch h {
	case run.Stalled:
		return w.raise(Stalled, now, Message{Error: why, Text: fmt.Sprintf("%s makes no progress: %s", w.job, why)})
	case run.CrashLooped:
		return w.raise(Failed, now, Message{Error: why, Text: fmt.Sprintf("%s fails again and again: %s", w.job, why)})
	case run.Live:
		return w.calm(now, "", "is live", Failed, Stalled)
	}
	return nil
}

// look judges what time alone brings about.
func (w *watch) look(now time.Time) []Message {
	var out []Message
	if limit := w.spec.SlowAfter; limit > 0 && !w.began.IsZero() && now.Sub(w.began) > limit {
		out = w.raise(Slow, now, Message{Run: w.run, Text: fmt.Sprintf("%s has been running for more than %s", w.job, strictyaml.FormatDuration(limit))})
	}
	if limit := w.spec.OpensWithin; limit > 0 && w.began.IsZero() && now.Sub(w.opened) > limit {
		out = append(out, w.raise(Silent, now, Message{Text: fmt.Sprintf("%s has not run for more than %s; `dag why %s` says what it waits for", w.job, strictyaml.FormatDuration(limit), w.job)})...)
	}
	return out
}

func words(d time.Duration) string { return strictyaml.FormatDuration(d.Round(time.Second)) }
