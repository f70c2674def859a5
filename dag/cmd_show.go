package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runstore"
)

// cmdShow tells everything about one run.
func cmdShow(ctx context.Context, c *call) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	if len(c.args) != 1 {
		return usagef("say which run: dag show RUN, by its id or the end of it, or a job for its newest run; `dag history` lists them")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, store, done, err := c.openHistory(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	id, err := findRun(ctx, p, store, c.args[0])
	if err != nil {
		return interrupted(ctx, err)
	}
	v := shown{}
	if v.Run, v.Attempts, err = store.Get(ctx, id); err == nil {
		v.Log, err = store.Log(ctx, id, 0)
	}
	if err != nil {
		return interrupted(ctx, err)
	}
	v.Params = withoutSecrets(v.Params)
	if c.format == "json" {
		return encode(c.stdout, v)
	}
	return printRun(c.stdout, v, p.Spec.Location, time.Now())
}

// findRun is the run that a person names: by its id, a piece of it, or its job, whose newest run it is.
func findRun(ctx context.Context, p *plan.Plan, store *runstore.Postgres, text string) (run.ID, error) {
	newest, err := store.History(ctx, run.Filter{Job: text, Limit: 1})
	if err == nil && len(newest) == 1 {
		return newest[0].ID, nil
	}
	if _, ok := p.Node(text); ok && err == nil {
		return "", &exitError{exitNothing, fmt.Errorf("%s never ran", text)}
	}
	id, err := store.Find(ctx, text)
	if errors.Is(err, run.ErrUnknown) {
		return "", &exitError{exitNothing, fmt.Errorf("%w; `dag history` lists the runs", err)}
	}
	return id, err
}

// shown is all that is known about a run.
type shown struct {
	run.Run
	Attempts []run.Attempt `json:"attempts"`
	Log      []run.Line    `json:"log"`
}

// shownLog is how many lines of a run's log are shown with it; `dag logs` has all.
const shownLog = 10

// printRun writes a run for people: a name and a value a line, then the tries, then the end of the log.
func printRun(w io.Writer, v shown, loc *time.Location, now time.Time) error {
	at := func(t time.Time) string { return t.In(loc).Format("2006-01-02 15:04:05 MST") }
	var b strings.Builder
	line := func(name, value string) {
		for i, l := range strings.Split(strings.TrimRight(value, "\n"), "\n") {
			if i > 0 {
				name = ""
			}
			for k, part := range wrap(l, pageWidth-10) {
				if k > 0 {
					name = ""
				}
				fmt.Fprintf(&b, "%-10s%s\n", name, part)
			}
		}
	}
	line("run", string(v.ID))
	line("job", v.Job)
	line("state", string(v.State))
	line("because", grouped(v.Trigger))
	line("began", at(v.Started))
	if v.Ended.IsZero() {
		line("runs", "for "+short(now.Sub(v.Started)))
	} else {
		line("ended", at(v.Ended)+", after "+short(v.Ended.Sub(v.Started)))
	}
	line("as of", at(v.AsOf))
	if v.Backfill != "" {
		line("interval", at(v.From)+" to "+at(v.To))
		line("backfill", v.Backfill)
	}
	if v.RetryOf != "" {
		line("retry of", string(v.RetryOf))
	}
	line("params", params(v.Params).words())
	for i, stream := range slices.Sorted(maps.Keys(v.Ledger)) {
		name := "position"
		if i > 0 {
			name = ""
		}
		line(name, fmt.Sprintf("%s rows of %s", thousands(v.Ledger[stream]), stream))
	}
	if v.RowsRead+v.RowsWritten > 0 {
		line("rows", thousands(v.RowsRead)+" read, "+thousands(v.RowsWritten)+" written")
	}
	line("note", grouped(v.Note))
	line("warning", v.Warning)
	line("error", v.Error)
	if v.Fence > 0 {
		line("fence", fmt.Sprintf("%d: so often its process was taken for dead", v.Fence))
	}
	line("process", v.Instance)
	for i, a := range v.Attempts {
		name := "attempts"
		if i > 0 {
			name = ""
		}
		line(name, fmt.Sprintf("%d %s at %s, after %s", a.Number, a.State, a.Started.In(loc).Format(time.TimeOnly), short(a.Ended.Sub(a.Started))))
		if a.Error != "" && a.Error != v.Error {
			line("", "  "+firstLine(a.Error))
		}
	}
	var log strings.Builder
	for _, l := range v.Log {
		log.WriteString(l.Text)
	}
	if lines := strings.Split(strings.TrimRight(log.String(), "\n"), "\n"); log.Len() > 0 {
		if len(lines) > shownLog {
			fmt.Fprintf(&b, "\nlog, the last %d of %s lines; `dag logs --run %s` has all:\n", shownLog, thousands(int64(len(lines))), shortID(v.ID))
			lines = lines[len(lines)-shownLog:]
		} else {
			b.WriteString("\nlog:\n")
		}
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(l, "\x1b", `\e`))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
