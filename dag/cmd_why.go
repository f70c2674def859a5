package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"tillflow/dag/gate"
	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// cmdWhy tells why a job runs or does not: its gate and all else that decides, as a tree of true and false.
func cmdWhy(ctx context.Context, c *call) error {
	if len(c.args) != 1 {
		return usagef("name one job: dag why ml.segmentation")
	}
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	p, f, err := c.open()
	if err != nil {
		return err
	}
	nodes, err := selectJobs(p, c.args)
	if err != nil {
		return err
	}
	for i, n := range nodes {
		s, err := c.explain(ctx, p, f, n.Name)
		if err != nil {
			return err
		}
		if c.format == "json" {
			if err := encode(c.stdout, shownStatus(s)); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		if err := writeWhy(c.stdout, s, time.Now().In(p.Spec.Location)); err != nil {
			return err
		}
	}
	return nil
}

// explain asks the running pipeline about a job; where none runs, history and ledger say what there is to say.
func (c *call) explain(ctx context.Context, p *plan.Plan, f *instance.Folder, job string) (runner.Status, error) {
	if jobs, err := askPipeline(ctx, f); err == nil {
		for _, s := range jobs {
			if s.Job == job {
				return s, nil
			}
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	sv, done, err := c.attached(ctx, p, f, quiet)
	if err != nil {
		return runner.Status{}, err
	}
	defer done()
	id, err := memberID(f)
	if err != nil {
		return runner.Status{}, err
	}
	r, err := c.runner(p, sv, id, quiet)
	if err != nil {
		return runner.Status{}, err
	}
	if err := r.Look(ctx); err != nil {
		return runner.Status{}, err
	}
	s, _ := r.Explain(job)
	return s, nil
}

// writeWhy prints a judgement:
//
//	ml.segmentation: succeeded; may open at 12:00:50, in 50s
//	✗ all
//	├ ✓ needs
//	│ └ ✓ stream.transactions is live
//	└ ✗ any
//	  ├ ✗ 321 of 5000 rows of stream.transactions (about 12:01:40)
//	  └ ✗ every 1m, last began 10s ago (12:00:50)
func writeWhy(w io.Writer, s runner.Status, now time.Time) error {
	var b strings.Builder
	state := s.State
	if state == "" {
		state = "not running"
	}
	fmt.Fprintf(&b, "%s: %s%s\n", s.Job, state, opening(s, now))
	if s.Vitals != nil && s.Vitals.Why != "" && s.Vitals.Why != s.Why.Text {
		wrapTree(&b, "  ", "  ", grouped(s.Vitals.Why))
	}
	why := s.Why
	if !s.Stream && len(why.Sub) == 1 { // the gate alone decides
		why = why.Sub[0]
	}
	if !s.Stream || len(why.Sub) > 0 {
		branch(&b, why, "", "", now)
	}
	if s.Last.ID != "" && !s.Last.Ended.IsZero() {
		text := fmt.Sprintf("last run: %s %s ago, took %s", s.Last.State, ago(now.Sub(s.Last.Ended)), short(s.Last.Ended.Sub(s.Last.Started)))
		if s.Last.Trigger != "" {
			text += ", because " + grouped(s.Last.Trigger)
		}
		wrapTree(&b, "", "  ", text)
	}
	if s.Error != "" {
		wrapTree(&b, "", "  ", "last failure: "+strings.Join(strings.Fields(s.Error), " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// opening says in a word whether the job may run, and else when it next may.
func opening(s runner.Status, now time.Time) string {
	switch {
	case s.Stream:
		return ""
	case s.State == string(run.Running) || s.State == string(run.Queued):
		return ", because " + grouped(s.Trigger)
	case s.Why.Due:
		return "; may run now"
	case s.Why.Opens.IsZero():
		return "; opens when what is false below has changed"
	default:
		about := ""
		if s.Why.About {
			about = "about "
		}
		return fmt.Sprintf("; may open at %s%s, in %s", about, clock(s.Why.Opens, now, now.Location()), ago(s.Why.Opens.Sub(now)))
	}
}

// branch prints one part of a judgement and those below it. head leads its first line, lead all others.
func branch(b *strings.Builder, a gate.Answer, head, lead string, now time.Time) {
	mark := "✗ "
	if a.Due {
		mark = "✓ "
	}
	text := grouped(a.Text)
	if !a.Due && len(a.Sub) == 0 && !a.Opens.IsZero() {
		about := ""
		if a.About {
			about = "about "
		}
		text += " (" + about + clock(a.Opens, now, now.Location()) + ")"
	}
	below := "  "
	if len(a.Sub) > 0 {
		below = "│ "
	}
	wrapTree(b, head+mark, lead+below, text)
	for i, s := range a.Sub {
		if i == len(a.Sub)-1 {
			branch(b, s, lead+"└ ", lead+"  ", now)
		} else {
			branch(b, s, lead+"├ ", lead+"│ ", now)
		}
	}
}

// whyWidth is the width that a judgement keeps to.
const whyWidth = 80

// wrapTree prints text within the width, broken between words.
func wrapTree(b *strings.Builder, head, lead, text string) {
	line, n := head, utf8.RuneCountInString(head)
	begun := false
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		if begun && n+1+size > whyWidth {
			b.WriteString(line + "\n")
			line, n, begun = lead, utf8.RuneCountInString(lead), false
		}
		if begun {
			line, n = line+" ", n+1
		}
		line, n, begun = line+word, n+size, true
	}
	b.WriteString(line + "\n")
}
