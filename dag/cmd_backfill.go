package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/lib/strictyaml"
)

// cmdBackfill runs a batch job over past intervals. Each interval keeps its state, so that the same command goes on
// where an earlier one ended, however that ended; the job's schedule and its cursors are not touched.
func cmdBackfill(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	if len(c.args) != 1 {
		return usagef("say which job: dag backfill JOB --from 2026-01-01 --to 2026-02-01 [--step 1d]")
	}
	p, f, err := c.open()
	if err != nil {
		return err
	}
	b, asked, err := c.backfill(p)
	if err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	_, noColor := c.getenv("NO_COLOR")
	log, scr := c.plainLog(), newScreen(c.stderr, noColor)
	if scr != nil {
		lines := c.lines(scr)
		lines.color = !noColor
		log = slog.New(lines)
	}
	sv, done, err := c.attached(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	store := runstore.NewPostgres(sv.DB)
	release, ok, err := lockBackfill(ctx, store, b.ID)
	if err != nil {
		return interrupted(ctx, err)
	}
	if !ok && !c.hist.dryRun {
		return fmt.Errorf("backfill %s is being run by another process; `dag history %s` shows how far it is", b.ID, b.Job)
	}
	if ok {
		defer release()
	}
	id, err := f.ID()
	if err != nil {
		return err
	}
	id += "-" + b.ID
	if !c.hist.dryRun {
		// With the lock ours, what runs under our name in the history is what a process before us left when it was killed.
		if _, err := store.Recover(ctx, id); err != nil {
			return interrupted(ctx, fmt.Errorf("close the runs of a backfill whose process died: %w", err))
		}
		if err := store.OpenBackfill(ctx, b, asked); err != nil {
			return interrupted(ctx, fmt.Errorf("record the backfill: %w", err))
		}
	}
	known, err := store.Intervals(ctx, b.ID)
	if err != nil {
		return interrupted(ctx, fmt.Errorf("read the state of the backfill: %w", err))
	}
	states := withStates(asked, known)
	todo := toDo(states, run.Reprocess(c.hist.reprocess), c.hist.newestFirst)
	v := backfillView{Backfill: b, Intervals: states, ToDo: len(todo), loc: p.Spec.Location}
	if c.hist.dryRun {
		return v.print(c.stdout, c.format, "would run")
	}
	r, err := c.runnerOf(p, sv, id, c.hist.parallel, log)
	if err != nil {
		return err
	}
	live := newBackfillBar(b.Job, states, len(todo), time.Now())
	hide := func() {}
	if scr != nil {
		hide = scr.during(ctx, func(width int) []string { return live.lines(width, time.Now(), scr.color) })
	}
	err = r.Backfill(ctx, b, todo, c.hist.parallel, func(i run.Interval, rec run.Run) {
		ended := live.ended(i, rec.State)
		if scr != nil && rec.State.OK() {
			return // the bar shows it
		}
		log.Info(string(rec.State), "interval", v.at(i.From), "done", fmt.Sprintf("%d/%d", ended, len(todo)),
			"took", short(rec.Ended.Sub(rec.Started)), "rows", rec.RowsWritten, "error", firstLine(rec.Error))
	})
	hide()
	after, cancelAfter := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelAfter()
	if known, kerr := store.Intervals(after, b.ID); kerr != nil {
		err = errors.Join(err, fmt.Errorf("read the state of the backfill: %w", kerr))
	} else {
		v.Intervals, v.ToDo = withStates(asked, known), 0
		err = errors.Join(err, v.print(c.stdout, c.format, "left"))
	}
	return outcome(ctx, err)
}

// lockBackfill makes this process the one that works on a backfill. The database may take a moment to see that a process
// which was killed is gone.
func lockBackfill(ctx context.Context, store *runstore.Postgres, id string) (release func(), ok bool, err error) {
	for deadline := time.Now().Add(3 * time.Second); ; {
		release, ok, err = store.LockBackfill(ctx, id)
		if err != nil || ok || time.Now().After(deadline) {
			return release, ok, err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return nil, false, context.Cause(ctx)
		}
	}
}

// backfill reads what is asked for.
func (c *call) backfill(p *plan.Plan) (b run.Backfill, asked []run.Interval, err error) {
	h := &c.hist
	n, ok := p.Node(c.args[0])
	if !ok {
		_, err = selectJobs(p, c.args)
		if err == nil {
			err = usagef("a backfill is of one job; %q is a selector", c.args[0])
		}
		return b, nil, err
	}
	loc := p.Spec.Location
	from, ferr := parseTime("--from", h.from, loc)
	to, terr := parseTime("--to", h.to, loc)
	step, serr := strictyaml.ParseDuration(h.step)
	switch reprocess := run.Reprocess(h.reprocess); {
	case n.Job.Kind.Stream:
		err = usagef("%s is a stream: its log is its past; a backfill is of a batch job", n.Name)
	case ferr != nil || terr != nil:
		err = errors.Join(ferr, terr)
	case from.IsZero() || to.IsZero():
		err = usagef("say over which time: --from 2026-01-01 --to 2026-02-01, the end not included")
	case !from.Before(to):
		err = usagef("--from %s must be before --to %s", h.from, h.to)
	case serr != nil || step <= 0:
		err = usagef("--step %q is not a duration; write 1d, 1h or 15m", h.step)
	case reprocess != run.ReprocessMissing && reprocess != run.ReprocessFailed && reprocess != run.ReprocessAll:
		err = usagef("--reprocess %q is not known; missing, failed or all", h.reprocess)
	case h.parallel < 1:
		err = usagef("--parallel must be 1 or more")
	case to.Sub(from)/step > 100_000:
		err = usagef("%s to %s in steps of %s are more than 100,000 intervals; give a longer --step", h.from, h.to, h.step)
	}
	if err == nil {
		err = checkParams([]*plan.Node{n}, h.params)
	}
	if err != nil {
		return b, nil, err
	}
	return run.NewBackfill(n.Name, strictyaml.FormatDuration(step), h.params), run.Steps(from, to, step), nil
}

// withStates gives the asked intervals the states that are known of them.
func withStates(asked, known []run.Interval) []run.Interval {
	type key struct{ from, to int64 }
	states := map[key]run.Interval{}
	for _, v := range known {
		states[key{v.From.UnixMicro(), v.To.UnixMicro()}] = v
	}
	out := slices.Clone(asked)
	for i, v := range out {
		if k, ok := states[key{v.From.UnixMicro(), v.To.UnixMicro()}]; ok {
			out[i].State, out[i].Run = k.State, k.Run
		}
	}
	return out
}

// toDo are the intervals to run, in their order.
func toDo(states []run.Interval, which run.Reprocess, newestFirst bool) []run.Interval {
	var todo []run.Interval
	for _, v := range states {
		if which.Wants(v.State) {
			todo = append(todo, v)
		}
	}
	if newestFirst {
		slices.Reverse(todo)
	}
	return todo
}

// backfillView is a backfill as it is shown.
type backfillView struct {
	run.Backfill
	Intervals []run.Interval `json:"intervals"`
	ToDo      int            `json:"to_do"`
	loc       *time.Location
}

// shownIntervals is how many intervals a table lists; the rest is counted. JSON has all.
const shownIntervals = 40

// print shows the counts and, of the intervals that are not done, each with its state.
func (v backfillView) print(w io.Writer, format, what string) error {
	if format == "json" {
		v.Params = withoutSecrets(v.Params)
		return encode(w, v)
	}
	counts := map[run.State]int{}
	var open []run.Interval
	for _, i := range v.Intervals {
		counts[i.State]++
		if !i.State.OK() {
			open = append(open, i)
		}
	}
	var parts []string
	for _, s := range []run.State{run.Succeeded, run.Warned, run.Failed, run.TimedOut, run.Canceled, run.Skipped, run.Running, run.Missing} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	head := fmt.Sprintf("%s in steps of %s, %s to %s: %s", v.Job, v.Step, v.at(v.Intervals[0].From), v.at(v.Intervals[len(v.Intervals)-1].To), strings.Join(parts, ", "))
	if what == "would run" {
		head += fmt.Sprintf("; %d would run", v.ToDo)
	}
	for _, line := range append(wrap(head, pageWidth), bar(v.Intervals)...) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if len(open) == 0 {
		return nil
	}
	rows := [][]string{{"FROM", "TO", "STATE", "RUN"}}
	for _, i := range open[:min(len(open), shownIntervals)] {
		rows = append(rows, []string{v.at(i.From), v.at(i.To), string(i.State), dash(shortID(i.Run))})
	}
	if err := printColumns(w, widthOf(w), rows); err != nil {
		return err
	}
	if more := len(open) - shownIntervals; more > 0 {
		_, err := fmt.Fprintf(w, "and %d more; -o json lists all\n", more)
		return err
	}
	return nil
}

func (v backfillView) at(t time.Time) string {
	t = t.In(v.loc)
	if t.Equal(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, v.loc)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04")
}

// bar is one sign for each interval, in their order: done, failed, running, not done.
func bar(intervals []run.Interval) []string {
	var b strings.Builder
	for _, i := range intervals {
		switch {
		case i.State.OK():
			b.WriteRune('█')
		case i.State.Bad():
			b.WriteRune('✗')
		case i.State == run.Running:
			b.WriteRune('▸')
		default:
			b.WriteRune('·')
		}
	}
	var lines []string
	for signs := []rune(b.String()); len(signs) > 0; {
		n := min(len(signs), pageWidth)
		lines = append(lines, string(signs[:n]))
		signs = signs[n:]
		if len(lines) == 4 && len(signs) > 0 {
			return nil // so many say nothing to the eye
		}
	}
	return lines
}
