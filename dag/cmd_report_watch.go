package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tillflow/dag/preview"
	"tillflow/dag/server"
	reportjob "tillflow/jobs/report"
	"tillflow/lib/notebook"
)

// reportWatch renders a report each time it is saved, and serves its page on this machine until Ctrl-C.
func reportWatch(ctx context.Context, c *call, args []string) (err error) {
	if len(args) != 1 {
		return usagef("name one report: dag report watch FILE|JOB [--port N] [--param NAME=VALUE]")
	}
	if c.rep.port < 0 || c.rep.port > 65535 {
		return usagef("--port is %d, it must be from 0, any free one, to 65535", c.rep.port)
	}
	f, err := c.reportFile(args[0])
	if err != nil {
		return err
	}
	page, err := c.watchedPage(f)
	if err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, folder, err := c.open()
	if err != nil {
		return err
	}
	sv, done, err := c.attached(ctx, p, folder, c.plainLog())
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	out, err := os.MkdirTemp("", "tillflow-report-")
	if err != nil {
		return fmt.Errorf("make a folder for the page: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	name := f.page
	if name == "" {
		name = notebook.FileName(f.path)
	}
	w := &preview.Watch{
		Path: f.path, Page: filepath.Join(out, name), Out: c.hidden.Writer(c.stdout),
		Now: func() time.Time { return time.Now().In(p.Spec.Location) },
		New: func() (preview.Renderer, error) {
			return reportjob.New("watch", reportjob.With{File: f.path, Out: name}, reportjob.Deps{DB: sv.DB, Log: slog.New(failures{c.lines(c.stderr)}), Out: out})
		},
	}
	srv, err := server.Listen(server.Config{
		Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.rep.port)), Out: out, Log: slog.New(slog.DiscardHandler),
		Status: func() any { return map[string]string{"report": f.path} }, Ask: w.Ask,
	})
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, srv.Close(end))
	}()
	fmt.Fprintf(c.stdout, "%s/%s, Ctrl-C to end\n", srv.Address(), url.PathEscape(page))
	return w.Run(ctx)
}

// watchedPage is the name of the page that --param asks for. A file that has mistakes yet shows them on its first page.
func (c *call) watchedPage(f reportFile) (string, error) {
	rep, problems, err := f.open()
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return rep.Page, nil
	}
	v, err := rep.Read(c.rep.params)
	if err != nil {
		return "", usagef("%w", err)
	}
	return notebook.PageName(rep, v), nil
}

// failures are the errors of a log: what is only a warning the watch tells itself.
type failures struct{ slog.Handler }

// Enabled is for errors only.
func (f failures) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
