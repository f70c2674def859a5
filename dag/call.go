package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tillflow/dag/gate"
	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/spec"
	"tillflow/jobs"
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
	asOf                string // run
	bench               benchFlags
	dead                deadFlags
	args                []string
}

// parse reads flags and arguments in any order, so that `dag run ml.segmentation --as-of T` works.
func (c *call) parse(args []string) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.dagfile, "f", "dagfile.yaml", "")
	fs.StringVar(&c.state, "state", "", "")
	fs.StringVar(&c.out, "out", "", "")
	switch c.name {
	case "run":
		fs.BoolVar(&c.once, "once", false, "")
		fs.StringVar(&c.asOf, "as-of", "", "")
	case "sql", "status", "verify":
		fs.StringVar(&c.format, "o", "table", "")
	case "deadletters":
		fs.StringVar(&c.format, "o", "table", "")
		c.dead.declare(fs)
	case "bench":
		fs.StringVar(&c.format, "o", "text", "")
		c.bench.declare(fs)
	}
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprintf(c.stdout, "dag %s\n  %s\n`dag help` tells the flags of every command.\n", strings.TrimSpace(c.name+" "+c.command.args), c.about)
				return &exitError{exitDone, errSaid}
			}
			return usagef("%w; `dag help` lists the flags", err)
		}
		if fs.NArg() == 0 {
			break
		}
		c.args = append(c.args, fs.Arg(0))
		args = fs.Args()[1:]
	}
	dir := filepath.Dir(c.dagfile)
	c.state = c.setting(c.state, "TILLFLOW_STATE", filepath.Join(dir, ".tillflow"))
	c.out = c.setting(c.out, "TILLFLOW_OUT", filepath.Join(dir, "reports", "out"))
	return nil
}

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
	s, problems := spec.Parse(c.dagfile, src, jobs.Specs(), c.getenv)
	p, more := plan.New(s)
	problems = append(append(problems, more...), gate.Check(s)...)
	if len(problems) > 0 {
		strictyaml.Sort(problems)
		printProblems(c.stderr, src, problems)
		return nil, &exitError{exitUsage, errSaid}
	}
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
