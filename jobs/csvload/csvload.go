// Package csvload is the job kind `load.csv`: it brings tables up to date with CSV files that people edit, such as the
// catalogue and the stores.
//
// All tables of one job are loaded in one transaction, in the order of the dagfile, so a table may refer to one before
// it, and a bad cell loads nothing at all. A load is an upsert by the table's primary key: new rows come in, changed
// rows change, and rows that are not in the file stay, because sales refer to them. Loading the same file again
// changes nothing. The files say only text; each column's type is the one it has in Postgres, or, where the dagfile declares
// the columns, the one it says there: then a table that is not there is made, and the file may have any size.
package csvload

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/csvfile"
	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a load.
type With struct {
	Tables strictyaml.Map[Source] `yaml:"tables" check:"required" doc:"table -> the file it is loaded from"`
}

// Check refuses a load of nothing.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		pos := at(path...)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	if w.Tables.Len() == 0 {
		wrong("tables names no table", "write it as TABLE: FILE", "tables")
	}
	for _, e := range w.Tables.Entries {
		if e.Value.File == "" { // an empty value is not decoded
			wrong(fmt.Sprintf("table %s has no file", e.Key), "write it as TABLE: FILE", "tables", e.Key)
		}
	}
	return ps
}

// Deps is what a load works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string // folder of the dagfile
}

// Job loads CSV files.
type Job struct {
	name string
	with With
	deps Deps
}

// New makes the job. The files are read when it runs, so a file may be mended and the run retried.
func New(name string, w With, d Deps) (*Job, error) {
	if w.Tables.Len() == 0 {
		return nil, fmt.Errorf("%s: tables names no table", name)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Job{name: name, with: w, deps: d}, nil
}

// Files are the files the job reads, as the dagfile names them; a planner can say which are missing.
func (j *Job) Files() []string {
	var files []string
	for _, e := range j.with.Tables.Entries {
		files = append(files, e.Value.File)
	}
	return files
}

// Run loads every table, or none. The result counts the rows of the files as read and the new and changed rows as
// written. A mistake in a file is an error "FILE:LINE: COLUMN: what", with the line as an editor counts it.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var result run.Result
	tx, err := j.deps.DB.Begin(ctx)
	if err != nil {
		return result, fmt.Errorf("load: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	for i, e := range j.with.Tables.Entries {
		rows, changed, err := j.load(ctx, tx, e.Key, e.Value, i)
		if err != nil {
			return run.Result{}, err
		}
		result.RowsRead += rows
		result.RowsWritten += changed
		in.Progress(run.Progress{Rows: result.RowsRead, Lag: -1, Note: e.Key})
		j.deps.Log.InfoContext(ctx, "table loaded", "job", j.name, "table", e.Key, "file", e.Value.File, "rows", rows, "changed", changed)
	}
	if err := tx.Commit(ctx); err != nil {
		return run.Result{}, fmt.Errorf("load: commit: %w", err)
	}
	result.Note = note(result, j.with.Tables.Len())
	return result, nil
}

func note(r run.Result, tables int) string {
	in := "1 table"
	if tables > 1 {
		in = fmt.Sprintf("%d tables", tables)
	}
	if r.RowsWritten == 0 {
		return fmt.Sprintf("%d rows in %s, nothing changed", r.RowsRead, in)
	}
	return fmt.Sprintf("%d rows in %s, %d new or changed", r.RowsRead, in, r.RowsWritten)
}

// load brings a table up to date, whichever form its source has.
func (j *Job) load(ctx context.Context, tx pgx.Tx, name string, s Source, number int) (read, changed int64, err error) {
	if s.Columns.Len() > 0 {
		return j.loadDeclared(ctx, tx, name, s, number)
	}
	f, err := j.read(s.File)
	if err != nil {
		return 0, 0, err
	}
	changed, err = load(ctx, tx, name, s.File, f)
	return int64(f.Rows()), changed, err
}

func (j *Job) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(j.deps.Dir, name)
}

// read reads a file as text, column by column.
func (j *Job) read(name string) (*frame.Frame, error) {
	file, err := os.Open(j.path(name))
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	plain, err := csvfile.Plain(file, name)
	if err != nil {
		return nil, err
	}
	f, err := frame.ReadCSV(plain, nil)
	if err != nil {
		return nil, placed(name, err)
	}
	return f, nil
}

// load brings one table up to date with the rows of f and returns how many rows are new or changed.
func load(ctx context.Context, tx pgx.Tx, name, file string, f *frame.Frame) (int64, error) {
	t, err := describe(ctx, tx, name)
	if err != nil {
		return 0, err
	}
	columns, err := t.match(file, f.Names())
	if err != nil {
		return 0, err
	}
	for _, c := range columns {
		if err := checkCells(ctx, tx, file, f, c); err != nil {
			return 0, err
		}
	}
	if err := checkKeys(file, f, columns); err != nil {
		return 0, err
	}
	return upsert(ctx, tx, t, file, f, columns)
}
