package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/instance"
	"tillflow/dag/notify"
	"tillflow/dag/plan"
	"tillflow/dag/spec"
	"tillflow/jobs"
	pages "tillflow/jobs/report"
	"tillflow/lib/secret"
	"tillflow/lib/strictyaml"
)

// call is one use of the command: its flags, arguments and the outside world.
type call struct {
	command
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)

	dagfile, state, out string
	format              string // -o
	once                bool   // run
	retail              bool   // init
	asOf                string // run
	bench               benchFlags
	dead                deadFlags
	skip                skipFlags
	hist                historyFlags
	rep                 reportFlags
	reports             []*pages.Job // of a runner: they make pages that are asked for
	notifier            *notify.Notifier
	exclude             []string        // --exclude
	events              *eventLines     // run -o json: where the runner tells what happens; nil otherwise
	hurry               <-chan struct{} // run: closed when a person would not wait
	at                  string          // plan --now
	zone                *time.Location  // the pipeline's, once the dagfile was read
	hidden              *secret.Mask    // over what nobody should read in logs and errors
	args                []string
}

// parse reads flags and arguments in any order, so that `dag run ml.segmentation --as-of T` works.
func (c *call) parse(args []string) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.declare(fs)
	var literal []string // after --, where nothing is a flag
	if i := slices.Index(args, "--"); i >= 0 {
		args, literal = args[:i], args[i+1:]
	}
	if c.name == "logs" {
		args = followFlag(args)
	}
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				if err := c.help(c.stdout); err != nil {
					return err
				}
				return &exitError{exitDone, errSaid}
			}
			return usagef("%w; `dag %s -h` lists the flags", err, c.name)
		}
		if fs.NArg() == 0 {
			break
		}
		c.args = append(c.args, fs.Arg(0))
		args = fs.Args()[1:]
	}
	c.args = append(c.args, literal...)
	c.hideParams(c.hist.params)
	dir := filepath.Dir(c.dagfile)
	c.state = c.setting(c.state, "TILLFLOW_STATE", filepath.Join(dir, ".tillflow"))
	c.out = c.setting(c.out, "TILLFLOW_OUT", filepath.Join(dir, "reports", "out"))
	return nil
}

// declare adds the flags of every verb and those of this one.
func (c *call) declare(fs *flag.FlagSet) {
	fs.StringVar(&c.dagfile, "f", "dagfile.yaml", "")
	fs.StringVar(&c.state, "state", "", "")
	fs.StringVar(&c.out, "out", "", "")
	switch c.name {
	case "run":
		fs.StringVar(&c.format, "o", "text", formatUsage)
		fs.BoolVar(&c.once, "once", false, "everything once, to the ends of the logs, then exit")
		fs.StringVar(&c.asOf, "as-of", "", "batch jobs read events before this `TIME`, such as 2026-01-31T18:00; now by default")
	case "init":
		fs.BoolVar(&c.retail, "retail", false, "the pipeline of a shop, with its models and dashboard")
	case "show", "logs", "pause", "resume", "why":
		fs.StringVar(&c.format, "o", "text", formatUsage)
	case "plan":
		fs.StringVar(&c.format, "o", "table", formatUsage)
		fs.StringVar(&c.at, "now", "", "the plan at this `TIME`, before anything has run")
	case "graph":
		fs.StringVar(&c.format, "o", "ascii", formatUsage)
	case "sql", "status", "verify", "ls", "history", "backfill", "test":
		fs.StringVar(&c.format, "o", "table", formatUsage)
	case "deadletters":
		fs.StringVar(&c.format, "o", "table", formatUsage)
		c.dead.declare(fs)
	case "skip":
		c.skip.declare(fs)
	case "report":
		c.rep.declare(fs)
	case "bench":
		fs.StringVar(&c.format, "o", "text", formatUsage)
		c.bench.declare(fs)
	}
	c.hist.declare(c.name, fs)
	if slices.Contains(choosing, c.name) {
		c.excludeFlag(fs)
	}
}

// formatUsage is what help says of -o.
const formatUsage = "how to print it"

// setting is a flag, else a variable, else a default.
func (c *call) setting(flag, variable, def string) string {
	if flag != "" {
		return flag
	}
	if v, _ := c.getenv(variable); v != "" {
		return v
	}
	return def
}

// noArgs refuses arguments that a verb has no use for.
func (c *call) noArgs() error {
	if len(c.args) > 0 {
		return usagef("unexpected %q", c.args[0])
	}
	return nil
}

// plan reads the dagfile. All its problems are printed at once, each with its line.
func (c *call) plan() (*plan.Plan, error) {
	src, err := os.ReadFile(c.dagfile)
	if err != nil {
		return nil, usagef("read the dagfile: %w; -f names another", err)
	}
	s, problems := spec.Parser{Kinds: jobs.Specs(), Lookup: c.getenv, Path: c.missing}.Parse(c.dagfile, src)
	p, more := plan.New(s)
	problems = append(append(append(append(problems, more...), gate.Check(s)...), unguarded(s)...), samePages(s)...)
	if s != nil {
		h := s.Services.HTTP
		c.hideSecrets(s.Services.Postgres.URL)
		c.hideParams(map[string]string{"token": h.Token, "password": h.BasicAuth.Password})
	}
	if len(problems) > 0 {
		strictyaml.Sort(problems)
		printProblems(c.hidden.Writer(c.stderr), src, problems)
		return nil, &exitError{exitUsage, errSaid}
	}
	c.zone = p.Spec.Location
	return p, nil
}

// dir is the folder of the dagfile, where its relative paths start.
func (c *call) dir() string { return filepath.Dir(c.dagfile) }

// open reads the dagfile and opens the state folder, for verbs that need both.
func (c *call) open() (*plan.Plan, *instance.Folder, error) {
	p, err := c.plan()
	if err != nil {
		return nil, nil, err
	}
	f, err := instance.Open(c.state)
	return p, f, err
}

func hint(word string, candidates []string) string {
	if s := strictyaml.Suggest(word, candidates); s != "" {
		return " (" + s + ")"
	}
	return ""
}
