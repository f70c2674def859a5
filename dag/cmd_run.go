package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
	"tillflow/dag/server"
	"tillflow/jobs"
	pages "tillflow/jobs/report"
)

func cmdRun(ctx context.Context, c *call) error {
	p, err := c.plan()
	if err != nil {
		return err
	}
	asOf, err := parseAsOf(c.asOf, p.Spec.Location)
	if err != nil {
		return err
	}
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	ctx, hurry, cancel := stopInTwoSteps(ctx)
	defer cancel()
	c.hurry = hurry
	if len(c.args) == 0 && !c.once && !c.hist.dryRun {
		if c.asOf != "" || len(c.hist.params) > 0 || c.hist.upstream || len(c.exclude) > 0 {
			return usagef("--as-of, --param, --exclude and --with-upstream go with job names or --once")
		}
		return c.runAll(ctx, p)
	}
	nodes := p.Once()
	trigger := "dag run --once"
	if len(c.args)+len(c.exclude) > 0 {
		chosen, err := c.chosen(ctx, p)
		if err != nil {
			return err
		}
		nodes = inOrder(p, chosen, len(c.args) == 0)
	}
	if len(c.args) > 0 {
		trigger = "dag run"
	}
	if c.hist.upstream {
		nodes = withUpstream(p, nodes)
	}
	if err := checkParams(nodes, c.hist.params); err != nil {
		return err
	}
	req := runner.Request{Trigger: trigger, AsOf: asOf, Params: c.hist.params}
	if c.hist.dryRun {
		return printDryRun(c.stdout, nodes, req, p.Spec.Location)
	}
	return c.runOnce(ctx, p, nodes, req)
}

// parseAsOf reads the value of --as-of; zero when s is "".
func parseAsOf(s string, loc *time.Location) (time.Time, error) { return parseTime("--as-of", s, loc) }

// parseTime reads the time of a flag, with or without a clock and a zone; zero when s is "".
func parseTime(flag, s string, loc *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%s %q is not a time; write 2026-01-31, 2026-01-31T18:00 or 2026-01-31T18:00:00+03:00", flag, s)
}

// runOnce runs jobs once and ends: on the services of a running pipeline, or on our own for as long as it takes. The
// whole plan needs the state folder for itself.
func (c *call) runOnce(ctx context.Context, p *plan.Plan, nodes []*plan.Node, req runner.Request) error {
	log := c.plainLog()
	f, err := instance.Open(c.state)
	if err != nil {
		return err
	}
	var sv *instance.Services
	var done func()
	id, err := f.ID()
	if err != nil {
		return err
	}
	if len(c.args) == 0 { // the whole plan has the folder for itself
		o, oerr := f.Own(instance.RunRole, "dag run --once")
		if oerr != nil {
			return oerr
		}
		defer o.Release()
		sv, done, err = c.lasting(ctx, p, f, log)
	} else { // beside others, this process is a member with a name of its own
		id = fmt.Sprintf("%s-%d", id, os.Getpid())
		sv, done, err = c.attached(ctx, p, f, log)
	}
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	r, err := c.runner(p, sv, id, log)
	if err != nil {
		return err
	}
	defer c.tell(ctx, r)()
	if len(c.args) == 0 {
		defer pictured(ctx, sv.DB, p, r, id, time.Now(), log)()
	}
	return outcome(ctx, r.Once(ctx, nodes, req))
}

// outcome gives the end of runs its exit code. What failed has been said in the log.
func outcome(ctx context.Context, err error) error {
	var failed *runner.FailedError
	if !errors.As(err, &failed) {
		return interrupted(ctx, err)
	}
	switch {
	case len(failed.Failed) > 0:
		return &exitError{exitFailed, errSaid}
	case len(failed.TimedOut) > 0:
		return &exitError{exitTimedOut, errSaid}
	default:
		return &exitError{exitCheck, errSaid}
	}
}

// interrupted turns an error that came with Ctrl-C into its exit code.
func interrupted(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), run.ErrStop) {
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	return err
}

// runAll runs the whole pipeline until ctx ends.
func (c *call) runAll(ctx context.Context, p *plan.Plan) error {
	_, noColor := c.getenv("NO_COLOR")
	log, scr := c.plainLog(), newScreen(c.stderr, noColor)
	if c.format == "json" {
		scr = nil // the lines say it all
	}
	if scr != nil {
		lines := c.lines(scr)
		lines.color = !noColor
		log = slog.New(lines)
	}
	f, err := instance.Open(c.state)
	if err != nil {
		return err
	}
	o, err := f.Own(instance.RunRole, "dag run")
	if err != nil {
		return err
	}
	defer o.Release()
	began := time.Now()
	sv, done, err := c.lasting(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	id, err := f.ID()
	if err != nil {
		return err
	}
	endAlerts, err := c.alerts(ctx, p, runstore.NewPostgres(sv.DB), log)
	if err != nil {
		return err
	}
	defer endAlerts()
	r, err := c.runner(p, sv, id, log)
	if err != nil {
		return err
	}
	head := []string{}
	for _, line := range sv.Started {
		log.Info("started " + line)
	}
	if p.Spec.Services.HTTP.Listen != "" {
		srv, err := server.Listen(c.serves(p, r, runstore.NewPostgres(sv.DB), log))
		if err != nil {
			return err
		}
		defer func() {
			sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := srv.Close(sctx); err != nil {
				log.Warn("open pages were cut off", "error", err)
			}
		}()
		if err := o.Tell(func(i *instance.Info) { i.Address, i.Key = srv.Address(), srv.Key() }); err != nil {
			return err
		}
		head = append(head, "Open "+srv.Address()+"   (Ctrl-C stops everything)")
	}
	log.Info("ready", "after", time.Since(began).Round(time.Millisecond))
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-sv.Died():
			stop(errors.New("Postgres ended by itself; its log is in " + f.Path))
		case <-ctx.Done():
		}
	}()
	shown := make(chan struct{})
	view, hide := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(shown)
		if scr != nil {
			scr.show(view, func(int) []string { return slices.Concat(head, jobLines(r.Status(), time.Now(), scr.color)) })
			return
		}
		for _, line := range head {
			log.Info(line)
		}
		logProgress(view, log, r)
	}()
	said := make(chan struct{})
	context.AfterFunc(ctx, func() { log.Info("stopping: finishing the work in hand"); close(said) })
	told, drawn := c.tell(ctx, r), pictured(ctx, sv.DB, p, r, id, time.Time{}, log)
	err = r.Run(ctx)
	drawn()
	told()
	hide()
	<-shown
	if ctx.Err() != nil {
		<-said // before what comes after it
	}
	log.Info("stopped; the next start goes on from here")
	select {
	case <-c.hurry:
		return &exitError{exitInterrupted, errSaid}
	default:
		return err
	}
}

// runner builds the jobs and the runner on running services.
func (c *call) runner(p *plan.Plan, sv *instance.Services, id string, log *slog.Logger) (*runner.Runner, error) {
	return c.runnerOf(p, sv, id, 0, log)
}

// runnerOf is like runner, for slots batch jobs at a time; 0 is as many as there are processors.
func (c *call) runnerOf(p *plan.Plan, sv *instance.Services, id string, slots int, log *slog.Logger) (*runner.Runner, error) {
	dir, err := filepath.Abs(c.dir())
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(c.out)
	if err != nil {
		return nil, err
	}
	built := map[string]runner.Job{}
	for _, n := range p.Nodes {
		j, err := jobs.New(n.Name, n.Job.Uses, n.Job.Args, jobs.Env{
			DB: sv.DB, Brokers: sv.Brokers, Log: log, Now: time.Now,
			Dir: dir, Out: out, Instance: id, Location: p.Spec.Location,
		})
		if err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("job %s: %w", n.Name, err)}
		}
		built[n.Name] = j
		if page, ok := j.(*pages.Job); ok {
			c.reports = append(c.reports, page)
		}
	}
	cfg := runner.Config{
		Plan: p, Jobs: built, Store: runstore.NewPostgres(sv.DB), Facts: facts{sv.DB},
		Log: log, Now: time.Now, Instance: id, Slots: slots, Hurry: c.hurry, Hide: c.hidden.Text, Secret: c.hideParams,
	}
	if c.name == "run" && c.format == "json" {
		c.events = newEventLines()
		cfg.Event = c.events.add
	}
	cfg.Event = c.alerted(cfg.Event)
	return runner.New(cfg), nil
}

// memberID names this process beside others on one state folder.
func memberID(f *instance.Folder) (string, error) {
	id, err := f.ID()
	return fmt.Sprintf("%s-%d", id, os.Getpid()), err
}
