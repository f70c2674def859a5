package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tillflow/dag/preview"
	"tillflow/lib/chromium"
	"tillflow/lib/notebook"
	"tillflow/lib/replace"
	"tillflow/lib/strictyaml"
)

// reportRender renders a report once, to a file or the output.
func reportRender(ctx context.Context, c *call, args []string) error {
	if len(args) != 1 {
		return usagef("name one report: dag report render FILE|JOB [-o out.html] [--param NAME=VALUE] [--as-of TIME] [--pdf]")
	}
	if c.rep.pdf {
		if _, err := chromium.Find(); err != nil { // before anything is started for it
			return err
		}
	}
	rep, v, err := c.readReport(args[0])
	if err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	begun := time.Now()
	data, err := c.loadReport(ctx, rep, v)
	if err != nil {
		return interrupted(ctx, err)
	}
	var page bytes.Buffer
	drawn, err := data.Draw(&page)
	if err != nil {
		return err
	}
	out, content := c.rep.out, page.Bytes()
	if out == "" {
		out = notebook.PageName(rep, v)
		if c.rep.pdf {
			out = strings.TrimSuffix(out, ".html") + ".pdf"
		}
	}
	if c.rep.pdf {
		if content, err = chromium.PDF(ctx, content); err != nil {
			return interrupted(ctx, err)
		}
	}
	if err := c.writeOut(out, content); err != nil {
		return err
	}
	took := time.Since(begun).Round(time.Millisecond)
	name := out
	if out == "-" {
		name = notebook.PageName(rep, v)
	}
	fmt.Fprintf(c.besides(out), "%s: %d of %d cells current, %d kB, %s\n", name, drawn.Current, drawn.Cells, (len(content)+999)/1000, took)
	return c.failedCells(drawn.Failed)
}

// readReport reads the report that an argument names, and the parameters of its page. What is wrong in the file is shown.
func (c *call) readReport(arg string) (*notebook.Report, notebook.Values, error) {
	f, err := c.reportFile(arg)
	if err != nil {
		return nil, nil, err
	}
	rep, problems, err := f.open()
	if err != nil {
		return nil, nil, err
	}
	if len(problems) > 0 {
		fmt.Fprint(c.hidden.Writer(c.stderr), strictyaml.Frames(problems))
		return nil, nil, wrongReport(problems, f.path)
	}
	v, err := rep.Read(c.rep.params)
	if err != nil {
		return nil, nil, usagef("%w", err)
	}
	return rep, v, nil
}

// loadReport asks the pipeline's database for what a page shows: that of a running pipeline, or one started for as long
// as it takes.
func (c *call) loadReport(ctx context.Context, rep *notebook.Report, v notebook.Values) (*notebook.Data, error) {
	p, f, err := c.open()
	if err != nil {
		return nil, err
	}
	asOf, err := parseAsOf(c.rep.asOf, p.Spec.Location)
	if err != nil {
		return nil, err
	}
	sv, done, err := c.attached(ctx, p, f, c.plainLog())
	if err != nil {
		return nil, err
	}
	defer done()
	now := time.Now()
	if asOf.IsZero() {
		asOf = now
	}
	data, err := preview.Load(ctx, sv.DB, rep, v, asOf, now)
	var wrong *notebook.ValueError
	if errors.As(err, &wrong) {
		return nil, usagef("%w", wrong)
	}
	return data, err
}

// writeOut writes a file, or with - the output. A file is the old one or the new one to who reads it; a device or a pipe is
// written to, for a file in its place would be none.
func (c *call) writeOut(path string, content []byte) (err error) {
	if path == "-" {
		_, err := c.stdout.Write(content)
		return err
	}
	st, err := os.Stat(path)
	switch {
	case err != nil || st.Mode().IsRegular():
		return replace.File(path, content)
	case st.IsDir():
		return usagef("-o %s is a folder; name a file in it", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(content)
	return err
}

// besides is where a word about a written file goes: not into the file.
func (c *call) besides(path string) io.Writer {
	if path == "-" {
		return c.stderr
	}
	return c.stdout
}

// failedCells shows cells that failed, each with the line of its query, and makes them an error.
func (c *call) failedCells(failed []*notebook.CellError) error {
	if len(failed) == 0 {
		return nil
	}
	w := c.hidden.Writer(c.stderr)
	for _, e := range failed {
		fmt.Fprint(w, e.Frame())
	}
	return &exitError{exitFailed, fmt.Errorf("%s failed; the page shows why", counted(len(failed), "cell"))}
}
