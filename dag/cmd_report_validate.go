package main

import (
	"context"
	"fmt"
	"io"

	"tillflow/dag/plan"
	"tillflow/lib/strictyaml"
)

// reportValidate checks report files without a database: those that are named, or those of all jobs.
func reportValidate(_ context.Context, c *call, args []string) error {
	if c.rep.out == "" {
		c.rep.out = "text"
	}
	if c.rep.out != "text" && c.rep.out != "json" {
		return usagef("-o %s is not known; text or json", c.rep.out)
	}
	var files []reportFile
	for _, arg := range args {
		f, err := c.reportFile(arg)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	if len(args) == 0 {
		p, err := c.plan()
		if err != nil {
			return err
		}
		if files = c.reportsOf(p); len(files) == 0 {
			return &exitError{exitNothing, fmt.Errorf("no job of %s renders a report; name a file", c.dagfile)}
		}
	}
	found, err := checkReports(files)
	if err != nil {
		return err
	}
	if c.rep.out == "json" {
		if err := encode(c.stdout, found.lines()); err != nil {
			return err
		}
	} else {
		found.print(c.stdout, c.hidden.Writer(c.stderr))
	}
	if found.problems > 0 {
		return &exitError{exitUsage, errSaid}
	}
	return nil
}

// checkedReports is what was found in report files.
type checkedReports struct {
	files    []checkedReport
	problems int
}

type checkedReport struct {
	path               string
	problems, warnings []strictyaml.Problem
}

// checkReports reads report files, each once, however many jobs render it.
func checkReports(files []reportFile) (found checkedReports, err error) {
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.path] {
			continue
		}
		seen[f.path] = true
		rep, problems, err := f.open()
		if err != nil {
			return found, err
		}
		one := checkedReport{path: f.path, problems: problems}
		if len(problems) == 0 { // of a file that is not understood nobody can say what is unused
			one.warnings = rep.Warnings()
		}
		found.files = append(found.files, one)
		found.problems += len(problems)
	}
	return found, nil
}

// print shows problems and warnings on errs, in the frame in which those of a dagfile are shown, and files without a
// problem on out.
func (r checkedReports) print(out, errs io.Writer) {
	for _, f := range r.files {
		warnings := make([]strictyaml.Problem, len(f.warnings))
		for i, w := range f.warnings {
			warnings[i] = w
			warnings[i].Msg = "warning: " + w.Msg
		}
		fmt.Fprint(errs, strictyaml.Frames(append(f.problems, warnings...)))
		switch {
		case len(f.problems) > 0:
			fmt.Fprintf(errs, "%s in %s\n", counted(len(f.problems), "problem"), f.path)
		case len(f.warnings) > 0:
			fmt.Fprintf(out, "%s: no problem, %s\n", f.path, counted(len(f.warnings), "warning"))
		default:
			fmt.Fprintf(out, "%s: no problem\n", f.path)
		}
	}
}

// foundLine is a problem or a warning for programs.
type foundLine struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // error, warning
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func (r checkedReports) lines() []foundLine {
	out := []foundLine{}
	for _, f := range r.files {
		for _, p := range f.problems {
			out = append(out, foundLine{p.File, p.Line, p.Col, "error", p.Msg, p.Hint})
		}
		for _, p := range f.warnings {
			out = append(out, foundLine{p.File, p.Line, p.Col, "warning", p.Msg, p.Hint})
		}
	}
	return out
}

// validateReports checks the report files of the dagfile's jobs for `dag validate`: it tells what is wrong and how many
// files were read.
func (c *call) validateReports(p *plan.Plan) (files int, err error) {
	found, err := checkReports(c.reportsOf(p))
	if err != nil {
		return 0, err
	}
	for i := range found.files {
		if f := found.files[i]; len(f.problems)+len(f.warnings) > 0 {
			checkedReports{files: []checkedReport{f}}.print(io.Discard, c.hidden.Writer(c.stderr))
		}
	}
	if found.problems > 0 {
		return 0, &exitError{exitUsage, errSaid}
	}
	return len(found.files), nil
}
