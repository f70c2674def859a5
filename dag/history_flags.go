package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/runstore"
	"tillflow/lib/strictyaml"
)

// historyFlags are those of the verbs that look at runs or make them.
type historyFlags struct {
	run, outcome, since, reason   string
	from, to, step, reprocess     string
	limit, parallel               int
	follow, now, downstream       bool
	secrets                       bool
	newestFirst, dryRun, upstream bool
	params                        params
}

// declare adds the flags of one verb.
func (h *historyFlags) declare(verb string, fs *flag.FlagSet) {
	h.params = params{}
	switch verb {
	case "history":
		fs.StringVar(&h.outcome, "outcome", "", "only runs in this `STATE`: succeeded, failed, timed-out, ...")
		fs.StringVar(&h.since, "since", "", "only runs since this `TIME`, or for so long: 2h, 7d")
		fs.IntVar(&h.limit, "limit", 20, "at most this `NUMBER` of runs")
	case "logs":
		fs.StringVar(&h.run, "run", "", "this `RUN` in place of the job's newest")
		fs.BoolVar(&h.follow, "follow", false, "go on as more is written; also -f")
	case "pause":
		fs.StringVar(&h.reason, "reason", "", "`TEXT` that status and why show")
	case "env":
		fs.BoolVar(&h.secrets, "secrets", false, "with the password of the database")
	case "stop":
		fs.BoolVar(&h.now, "now", false, "do not wait for the work in hand")
	case "retry":
		fs.BoolVar(&h.downstream, "downstream", false, "also the jobs that need it")
		fs.BoolVar(&h.dryRun, "dry-run", false, "only tell what would run")
	case "run":
		fs.Var(h.params, "param", "a `NAME=VALUE` for the job; may be given several times")
		fs.BoolVar(&h.dryRun, "dry-run", false, "only tell what would run")
		fs.BoolVar(&h.upstream, "with-upstream", false, "also what the named jobs need")
	case "backfill":
		fs.StringVar(&h.from, "from", "", "the `TIME` at which the first interval begins")
		fs.StringVar(&h.to, "to", "", "the `TIME` at which the last one ends")
		fs.StringVar(&h.step, "step", "1d", "`LENGTH` of an interval: 1d, 1h, 15m")
		fs.StringVar(&h.reprocess, "reprocess", "missing", "`WHICH` intervals to run: missing, failed (and missing) or all")
		fs.IntVar(&h.parallel, "parallel", 1, "this `NUMBER` of intervals at a time")
		fs.BoolVar(&h.newestFirst, "newest-first", false, "begin with the last interval")
		fs.BoolVar(&h.dryRun, "dry-run", false, "only tell what would run")
		fs.Var(h.params, "param", "a `NAME=VALUE` for the job; may be given several times")
	}
}

// followFlag reads -f of `dag logs` as --follow, as people know it from elsewhere, unless a dagfile comes after it.
func followFlag(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if a == "-f" && (i+1 == len(args) || !strings.HasSuffix(args[i+1], ".yaml") && !strings.HasSuffix(args[i+1], ".yml")) {
			args[i] = "--follow"
		}
	}
	return args
}

// params are the values of --param k=v.
type params map[string]string

func (p params) String() string { return fmt.Sprint(map[string]string(p)) }

// Set adds one.
func (p params) Set(s string) error {
	k, v, ok := strings.Cut(s, "=")
	if !ok || k == "" {
		return errors.New("write it as name=value")
	}
	p[k] = v
	return nil
}

// words is how people read parameters: a=1 b=2. One that is named like a secret shows no value.
func (p params) words() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, k+"="+withoutSecrets(p)[k])
	}
	return strings.Join(parts, " ")
}

// since reads a time, or how long ago it was, such as 2h or 7d; zero when s is "".
func since(s string, now time.Time, loc *time.Location) (time.Time, error) {
	if d, err := strictyaml.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	t, err := parseTime("--since", s, loc)
	if err != nil {
		err = usagef("--since %q is neither a time, as in 2026-01-31T18:00, nor how long ago, as in 2h or 7d", s)
	}
	return t, err
}

// openHistory opens the dagfile and the history of its runs: on the services of a running pipeline, or on our own for as
// long as it takes. The returned function ends the use.
func (c *call) openHistory(ctx context.Context) (*plan.Plan, *runstore.Postgres, func(), error) {
	p, f, err := c.open()
	if err != nil {
		return nil, nil, nil, err
	}
	sv, done, err := c.attached(ctx, p, f, c.plainLog())
	if err != nil {
		return nil, nil, nil, err
	}
	return p, runstore.NewPostgres(sv.DB), done, nil
}
