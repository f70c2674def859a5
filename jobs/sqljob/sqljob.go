// Package sqljob is the job kind `sql`: a file of statements, run in one transaction. Either all of them have happened
// or none, whatever goes wrong and whenever the process ends.
//
// A parameter stands in a statement as :name and is bound, never put into the text: whatever a value holds, it cannot
// become SQL. Postgres knows parameters in SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, WITH and CREATE TABLE AS; one
// that stands elsewhere is told with its place. Each use of a name is a parameter of its own, so that :as_of can be a
// timestamp here and a date there. An array slice with names is written [a : b].
package sqljob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/strictyaml"
)

// Deps is what a script works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string // folder of the dagfile
}

// Job runs a script.
type Job struct {
	name string
	with With
	deps Deps
}

// Error is a mistake in a script. Err is nil when Postgres was not asked.
type Error struct {
	File      string // or "query", when the statements stand in the dagfile
	Line, Col int    // 1-based; columns count characters
	Msg       string
	Err       error
}

// Error is FILE:LINE:COL: what is wrong.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg) }

// Unwrap is what Postgres said.
func (e *Error) Unwrap() error { return e.Err }

func placed(file, script string, at int, msg string) *Error {
	before := script[:min(at, len(script))]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{File: file, Line: 1 + strings.Count(before, "\n"), Col: 1 + utf8.RuneCountInString(before[line:]), Msg: msg}
}

// New makes the job. A file is read and checked now, so that a mistake shows before the first run, and again at each
// run, so that it may be mended and the run retried.
func New(name string, w With, d Deps) (*Job, error) {
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		return nil, errors.New(p.Msg)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	j := &Job{name: name, with: w, deps: d}
	_, _, err := j.read()
	return j, err
}

// read gives the script and its statements. The error tells every mistake, each on a line of its own.
func (j *Job) read() (string, []statement, error) {
	origin, script := "query", j.with.Query
	if j.with.File != "" {
		path := j.with.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(j.deps.Dir, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", nil, fmt.Errorf("read statements: %w", err)
		}
		origin, script = j.with.File, strings.TrimPrefix(string(text), "\ufeff")
	}
	statements, mistakes := j.with.read(origin, script)
	var errs []error
	for _, m := range mistakes {
		errs = append(errs, m)
	}
	return script, statements, errors.Join(errs...)
}

// Run executes the statements in order, in one transaction. The result counts the rows that selects gave as read and
// those that were inserted, updated, deleted or merged as written. An error of Postgres is an *Error with its place.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	script, statements, err := j.read()
	if err != nil {
		return run.Result{}, err
	}
	origin := j.with.File
	if origin == "" {
		origin = "query"
	}
	values := j.values(in)
	var result run.Result
	err = pgx.BeginFunc(ctx, j.deps.DB, func(tx pgx.Tx) error {
		for i := range statements {
			s := &statements[i]
			began := time.Now()
			tag, err := tx.Exec(ctx, s.text, s.args(values)...)
			if err != nil {
				return s.failed(origin, script, err)
			}
			switch n := tag.RowsAffected(); {
			case tag.Select() && s.verb() != "create": // CREATE TABLE AS says how many rows it made
				result.RowsRead += n
			default:
				result.RowsWritten += n
			}
			_, _ = fmt.Fprintf(in.Output, "%s:%d: %s in %s\n", origin, placed(origin, script, s.start, "").Line, tag, time.Since(began).Round(time.Millisecond))
			in.Progress(run.Progress{Rows: result.RowsRead + result.RowsWritten, Lag: -1, Note: fmt.Sprintf("%d of %d statements", i+1, len(statements))})
		}
		return nil
	})
	if err != nil {
		return run.Result{}, err
	}
	result.Note = fmt.Sprintf("%d statements, %d rows written", len(statements), result.RowsWritten)
	if len(statements) == 1 {
		result.Note = fmt.Sprintf("1 statement, %d rows written", result.RowsWritten)
	}
	return result, nil
}

// values are the values of all parameters, as text, which Postgres reads as the type that the parameter has in its
// statement. What the person says who began the run comes before what the dagfile says. [from_at, to_at) is the interval
// of a backfill; in other runs it is all that lies before as_of.
func (j *Job) values(in run.Input) map[string]string {
	values := map[string]string{
		"as_of": moment(in.AsOf), "from_at": "-infinity", "to_at": moment(in.AsOf), "job": in.Job, "run_id": string(in.ID),
	}
	if !in.From.IsZero() {
		values["from_at"], values["to_at"] = moment(in.From), moment(in.To)
	}
	for name, v := range j.with.Params {
		values[name] = v
		if given, ok := in.Params[name]; ok {
			values[name] = given
		}
	}
	return values
}

// moment is a time as text, in UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00") }

// args are the statement's arguments. The first asks pgx not to keep a plan by the statement's text: a script makes and
// drops tables, after which a kept plan would not fit.
func (s *statement) args(values map[string]string) []any {
	args := []any{pgx.QueryExecModeDescribeExec}
	for _, p := range s.params {
		args = append(args, values[p])
	}
	return args
}

// failed puts a place before what Postgres says about a statement.
func (s *statement) failed(origin, script string, err error) error {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		e := placed(origin, script, s.start, err.Error())
		e.Err = err
		return e
	}
	at := 0
	if pe.Position > 0 {
		rest := s.text
		for n := pe.Position - 1; n > 0 && rest != ""; n-- { // Postgres counts characters
			_, size := utf8.DecodeRuneInString(rest)
			rest = rest[size:]
		}
		at = len(s.text) - len(rest)
	}
	msg := pe.Message
	if pe.Detail != "" {
		msg += ": " + strings.TrimSuffix(pe.Detail, ".")
	}
	if pe.Hint != "" {
		msg += " (" + strings.TrimSuffix(pe.Hint, ".") + ")"
	}
	e := placed(origin, script, s.place(at), msg)
	e.Err = err
	return e
}
