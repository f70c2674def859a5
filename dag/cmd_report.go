package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tillflow/dag/plan"
	reportjob "tillflow/jobs/report"
	"tillflow/lib/notebook"
	"tillflow/lib/strictyaml"
)

// reportFlags are those of `dag report`.
type reportFlags struct {
	out, asOf string
	port      int
	pdf, dark bool
	params    params
}

func (r *reportFlags) declare(fs *flag.FlagSet) {
	r.params = params{}
	fs.StringVar(&r.out, "o", "", "render, export: write this `FILE`, - is the output; validate: text or json")
	fs.Var(r.params, "param", "render, watch, export: a `NAME=VALUE` of the page; may be given several times")
	fs.StringVar(&r.asOf, "as-of", "", "render, export: the page as of this `TIME`, such as 2026-01-31T18:00; now by default")
	fs.BoolVar(&r.pdf, "pdf", false, "render: a PDF, printed by the Chromium of the machine")
	fs.BoolVar(&r.dark, "dark", false, "export: a chart for dark surroundings")
	fs.IntVar(&r.port, "port", 0, "watch: serve the page on this `PORT` of 127.0.0.1; 0 takes any free one")
}

// reportVerbs are what `dag report` can do, in the order in which one meets them.
var reportVerbs = []struct {
	word string
	run  func(ctx context.Context, c *call, args []string) error
}{
	{"new", reportNew}, {"validate", reportValidate}, {"watch", reportWatch}, {"render", reportRender}, {"export", reportExport},
}

// cmdReport works on report files, beside the pipeline that renders them again and again.
func cmdReport(ctx context.Context, c *call) error {
	var words []string
	for _, v := range reportVerbs {
		if len(c.args) > 0 && c.args[0] == v.word {
			return v.run(ctx, c, c.args[1:])
		}
		words = append(words, v.word)
	}
	if len(c.args) == 0 {
		return usagef("say what to do: dag report %s", strings.Join(words, "|"))
	}
	return usagef("%q is nothing that dag report does%s; %s", c.args[0], hint(c.args[0], words), strings.Join(words, ", "))
}

// reportFile is a report file that is meant.
type reportFile struct {
	path string // from where the command runs
	page string // name of its page; "" is that of the file
	job  string // that renders it; "" when the file itself was named
}

// open reads the file and says what is wrong with it.
func (f reportFile) open() (*notebook.Report, []strictyaml.Problem, error) {
	rep, problems, err := notebook.Open("", filepath.ToSlash(f.path))
	if err != nil {
		return nil, nil, usagef("read the report: %w", err)
	}
	if f.page != "" {
		rep.Page = f.page
	}
	return rep, problems, nil
}

// reportsOf are the report files of the jobs that render some.
func (c *call) reportsOf(p *plan.Plan) []reportFile {
	var out []reportFile
	for _, n := range p.Nodes {
		w, ok := n.Job.Args.(*reportjob.With)
		if !ok {
			continue
		}
		path := filepath.FromSlash(w.File)
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.dir(), path)
		}
		out = append(out, reportFile{path: path, page: w.Out, job: n.Name})
	}
	return out
}

// reportFile finds what an argument names: a file, or a job whose file it is.
func (c *call) reportFile(arg string) (reportFile, error) {
	if st, err := os.Stat(arg); err == nil && !st.IsDir() {
		return reportFile{path: arg}, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return reportFile{}, usagef("read the report: %w", err)
	}
	if strings.EqualFold(filepath.Ext(arg), ".md") || strings.ContainsRune(arg, filepath.Separator) {
		return reportFile{}, usagef("there is no file %q%s", arg, hint(arg, reportsBeside(arg)))
	}
	p, err := c.plan()
	if err != nil {
		return reportFile{}, err
	}
	known := c.reportsOf(p)
	var names []string
	for _, f := range known {
		if f.job == arg {
			return f, nil
		}
		names = append(names, f.job, f.path)
	}
	if slices.ContainsFunc(p.Nodes, func(n *plan.Node) bool { return n.Name == arg }) {
		return reportFile{}, usagef("the job %s renders no report", arg)
	}
	return reportFile{}, usagef("%q is neither a report file nor a job that renders one%s", arg, hint(arg, names))
}

// reportsBeside are the report files in the folder that a path names.
func reportsBeside(path string) []string {
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.md")) // only a bad pattern is an error
	return found
}

// counts what is wrong: 1 problem in reports/shop.md.
func wrongReport(problems []strictyaml.Problem, path string) error {
	return &exitError{exitUsage, fmt.Errorf("%s in %s", counted(len(problems), "problem"), path)}
}
