// Package report is the job kind `report`: it renders one report file (lib/notebook) into pages of the output folder,
// again and again. A page is replaced by a rename, so that a reader sees the old one or the new one, never a half.
//
// A report has one page, or one for each row of a query with an index of them (for_each), or one for each choice of its
// parameters. The last kind is made when a server asks for it (Ask) and for as long as somebody keeps it open.
//
// A cell that fails does not fail the run, except when the job runs once: the page says what is wrong, the others show
// their figures, and the log tells it once. The run fails when the report file is wrong or the database is away;
// then the last good pages stay, and their own clocks mark them as stale.
package report

import (
	"context"
	"fmt"
	"log/slog"
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

	reader *pg.Reader
	turn   chan struct{}  // holds one token: whoever has it renders
	budget *time.Duration // set by tests; see rendering.until

	mu     sync.Mutex // guards what follows; never held while rendering
	book   *notebook.Book
	pages  map[string]*page // by file name: those that are kept up
	wrong  map[string]bool  // what was wrong at the last rendering; a change is logged
	warned bool             // that the reader is not limited
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
	j := &Job{name: name, with: w, deps: d, reader: pg.NewReader(d.DB), turn: make(chan struct{}, 1)}
	if _, err := j.read(); err != nil {
		return nil, err
	}
	j.pages = j.found()
	return j, nil
}

// Page is the path of the page the job writes: that of the parameters' defaults, or the index.
func (j *Job) Page() string { return filepath.Join(j.deps.Out, j.with.Out) }

// Title is the title of the report.
func (j *Job) Title() string { return j.current().Report.Title }

func (j *Job) current() *notebook.Book {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.book
}

// read parses the report when one of its files has changed, so that it can be edited while the pipeline runs. What the
// old one remembered of its cells goes with it.
func (j *Job) read() (*notebook.Book, error) {
	if b := j.current(); b != nil && b.Report.Current(j.deps.Dir) {
		return b, nil
	}
	rep, problems, err := notebook.Open(j.deps.Dir, j.with.File)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if len(problems) > 0 {
		return nil, &FileError{problems}
	}
	rep.Page = j.with.Out
	for _, p := range rep.Warnings() {
		j.deps.Log.Warn("report", "job", j.name, "problem", p.String())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.book = notebook.NewBook(rep)
	return j.book, nil
}

// take waits for the turn to render; the returned function passes it on.
func (j *Job) take(ctx context.Context) (func(), error) {
	select {
	case j.turn <- struct{}{}:
		return func() { <-j.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Run renders the pages of the report. With in.AsOf the cells see that time as :now; else the clock.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var result run.Result
	done, err := j.take(ctx)
	if err != nil {
		return result, fmt.Errorf("%s: %w", j.name, err)
	}
	defer done()
	book, err := j.read()
	if err != nil {
		return result, fmt.Errorf("%s: %w", j.name, err)
	}
	book.Patient = in.Once
	r := j.begin(book, in)
	err = j.reader.ReadOnly(ctx, 0, func(tx pgx.Tx) error {
		r.snap = book.Snapshot(tx, r.asOf, r.now)
		return r.all(ctx)
	})
	if err != nil {
		return result, fmt.Errorf("%s: %w", j.name, err)
	}
	result = run.Result{RowsRead: r.rows, Note: r.note()}
	return result, j.tell(in.Once)
}
