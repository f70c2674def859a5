// Package report is the job kind `report`: it renders one report file (lib/notebook) into a page of the output folder,
// again and again. The page is replaced by a rename, so that a reader sees the old one or the new one, never a half.
//
// A cell that fails does not fail the run, except when the job runs once: the page says what is wrong, the others show
// their figures, and the log tells it once. The run fails when the report file is wrong or the database is away;
// then the last good page stays, and its own clock marks it as stale.
package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/notebook"
	"tillflow/lib/pg"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a report.
type With struct {
	File string `yaml:"file" check:"required,file" doc:"the report file; relative paths start at the folder of the dagfile"`
	Out  string `yaml:"out" doc:"name of the page in the output folder; default: that of the file, with .html"`
}

// Check refuses a name that would leave the output folder.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	if w.Out == "" || w.Out == filepath.Base(w.Out) && strings.HasSuffix(w.Out, ".html") && !strings.HasPrefix(w.Out, ".") {
		return nil
	}
	pos := at("out")
	return []strictyaml.Problem{{Line: pos.Line, Col: pos.Col, Msg: fmt.Sprintf("out %q is no name of a page", w.Out), Hint: "a file name such as dashboard.html; the folder is given by --out"}}
}

// Deps is what a report works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Now func() time.Time // the clock on the page; default time.Now
	Dir string           // folder of the dagfile
	Out string           // folder of the pages; made when it is not there
}

// Job renders a report.
type Job struct {
	name string
	with With
	deps Deps

	mu    sync.Mutex // one rendering at a time
	src   []byte     // what book was made of
	book  *notebook.Book
	wrong string // what was wrong at the last rendering; a change is logged
}

// FileError is a report file that cannot be used: every mistake in it.
type FileError struct{ Problems []strictyaml.Problem }

// Error lists the problems, one a line.
func (e *FileError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// New makes the job and reads the report file. A *FileError lists what is wrong in it.
func New(name string, w With, d Deps) (*Job, error) {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if w.Out == "" {
		w.Out = notebook.FileName(w.File)
	}
	j := &Job{name: name, with: w, deps: d}
	if err := j.read(); err != nil {
		return nil, err
	}
	return j, nil
}

// Page is the path of the page the job writes.
func (j *Job) Page() string { return filepath.Join(j.deps.Out, j.with.Out) }

// Title is the title of the report.
func (j *Job) Title() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.book.Report.Title
}

// read parses the report file when it has changed, so that a report can be edited while the pipeline runs. What the old
// one remembered of its cells goes with it.
func (j *Job) read() error {
	path := j.with.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(j.deps.Dir, path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read report: %w", err)
	}
	if j.book != nil && bytes.Equal(src, j.src) {
		return nil
	}
	rep, problems := notebook.Parse(j.with.File, src)
	if len(problems) > 0 {
		return &FileError{problems}
	}
	j.src, j.book = src, notebook.NewBook(rep)
	for _, p := range rep.Unused() {
		j.deps.Log.Warn("report", "job", j.name, "problem", p.String())
	}
	return nil
}

// Run renders the report once. With in.AsOf the cells see that time as :now; else the clock.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.read(); err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	now := j.deps.Now()
	asOf := in.AsOf
	if asOf.IsZero() {
		asOf = now
	}
	var data *notebook.Data
	err := pg.ReadOnly(ctx, j.deps.DB, 0, func(tx pgx.Tx) (err error) {
		data, err = j.book.Load(ctx, tx, asOf, now)
		return err
	})
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	data.Timings = !in.Once // a page that is made once can be compared with another
	var page bytes.Buffer
	drawn, err := data.Draw(&page)
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	if err := j.write(page.Bytes(), data, drawn); err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	result := run.Result{RowsRead: data.Rows(), Note: fmt.Sprintf("%d of %d cells current, %d kB", drawn.Current, drawn.Cells, (drawn.Bytes+999)/1000)}
	return result, j.report(drawn.Failed, in.Once)
}

// report logs what is wrong once per change, and makes it an error of a job that runs once.
func (j *Job) report(failed []*notebook.CellError, once bool) error {
	var errs []error
	var messages []string
	for _, e := range failed {
		errs = append(errs, e)
		messages = append(messages, e.Error())
	}
	wrong := strings.Join(messages, "\n")
	if once {
		return errors.Join(errs...)
	}
	if wrong != j.wrong {
		for _, m := range messages {
			j.deps.Log.Error("report cell failed", "job", j.name, "error", m)
		}
		if wrong == "" {
			j.deps.Log.Info("report cells work again", "job", j.name)
		}
		j.wrong = wrong
	}
	return nil
}
