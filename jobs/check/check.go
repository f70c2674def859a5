// Package check is the job kind `check`: what must hold of the data, as a node of the graph. Jobs that need it do not run
// on data that fails it, and a gate can ask for its last answer.
//
// All checks of a job look at one snapshot of the database, in a transaction that can change nothing, and each of them is
// looked at, whatever the others found. What they found is kept in dag.check_results with some of the bad rows. A check
// of severity error fails the run with run.ErrCheck, one of severity warn makes it a run with a warning. A check that
// cannot be asked, because a column is not there, say, is neither: it fails the run as any broken job does.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/pg"
	"tillflow/lib/strictyaml"
	"tillflow/sql"
)

// States of a Result.
const (
	Passed = "passed"
	Warned = "warned"
	Failed = "failed"
	Broken = "broken" // the check could not be asked
)

// Result is what one check found.
type Result struct {
	Job      string          `json:"job"`
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Target   string          `json:"target"` // the table; "" of a query
	Severity string          `json:"severity"`
	State    string          `json:"state"`
	BadRows  int64           `json:"bad_rows"`
	Message  string          `json:"message"`  // what is wrong; "" when nothing is
	Examples json.RawMessage `json:"examples"` // a list of bad rows as objects
	TookMs   int64           `json:"took_ms"`
}

// Deps is what checks work with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string           // folder of the dagfile
	Now func() time.Time // default time.Now; only measures how long a check took
}

// Job looks at data.
type Job struct {
	name string
	with With
	deps Deps
}

// New makes the job. Files of queries are looked for now, so that a missing one shows before the first run.
func New(name string, w With, d Deps) (*Job, error) {
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		return nil, errors.New(p.Msg)
	}
	for _, file := range w.Files() {
		if _, err := dataset.Find(file, d.Dir, ""); err != nil {
			return nil, err
		}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Job{name: name, with: w, deps: d}, nil
}

// Run asks every check and keeps the answers. RowsRead counts the bad rows.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var results []Result
	err := pg.ReadOnly(ctx, j.deps.DB, 0, func(tx pgx.Tx) error {
		for i := range j.with.Checks.Entries {
			e := &j.with.Checks.Entries[i]
			r, err := j.one(ctx, tx, e.Key, &e.Value, in.AsOf)
			if err != nil {
				return err
			}
			results = append(results, r)
			_, _ = fmt.Fprintln(in.Output, r.line())
			in.Progress(run.Progress{Rows: int64(i + 1), Lag: -1, Note: e.Key})
		}
		return nil
	})
	if err == nil {
		err = j.keep(ctx, in, results)
	}
	if err != nil {
		return run.Result{}, err
	}
	return judge(results)
}

// one asks a check inside a savepoint, so that a broken one does not end the others' snapshot.
func (j *Job) one(ctx context.Context, tx pgx.Tx, name string, c *Check, asOf time.Time) (Result, error) {
	examples := 5
	if j.with.Examples != nil {
		examples = *j.with.Examples
	}
	began := j.deps.Now()
	var a answer
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) (err error) {
		a, err = c.ask(ctx, tx, j.deps.Dir, asOf, examples)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if err != nil && tx.Conn().IsClosed() {
		return Result{}, fmt.Errorf("check %s: %w", name, err)
	}
	r := Result{
		Job: j.name, Name: name, Kind: c.kinds()[0], Target: c.Table, Severity: a.severity, State: Passed,
		BadRows: a.bad, Message: a.message, Examples: json.RawMessage("[]"), TookMs: j.deps.Now().Sub(began).Milliseconds(),
	}
	switch {
	case err != nil:
		r.State, r.Message, r.BadRows = Broken, err.Error(), 0
		return r, nil
	case a.message != "" && a.severity == "warn":
		r.State = Warned
	case a.message != "":
		r.State = Failed
	}
	if len(a.examples) > 0 {
		if r.Examples, err = json.Marshal(a.examples); err != nil {
			return Result{}, fmt.Errorf("check %s: %w", name, err)
		}
	}
	return r, nil
}

// line is a result in a log.
func (r Result) line() string {
	s := r.State + " " + r.Name
	if r.Message != "" {
		s += ": " + r.Message
	}
	if string(r.Examples) != "[]" {
		s += "\n  such as " + string(r.Examples)
	}
	return s
}

// keep stores the results of a run, all or none.
func (j *Job) keep(ctx context.Context, in run.Input, results []Result) error {
	err := pgx.BeginFunc(ctx, j.deps.DB, func(tx pgx.Tx) error {
		for i, r := range results {
			_, err := tx.Exec(ctx, sql.Query("check_save"), string(in.ID), j.name, r.Name, i+1, r.Kind, r.Target, r.Severity, r.State, r.BadRows, r.Message, r.Examples, r.TookMs)
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, sql.Query("check_prune"), j.name)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	return nil
}

// judge makes the result of the run out of those of its checks.
func judge(results []Result) (run.Result, error) {
	said := map[string][]string{}
	res := run.Result{RowsWritten: int64(len(results))}
	for _, r := range results {
		res.RowsRead += r.BadRows
		said[r.State] = append(said[r.State], r.Name+": "+r.Message)
	}
	var counts []string
	for _, state := range []string{Passed, Warned, Failed, Broken} {
		if n := len(said[state]); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	res.Note = strings.Join(counts, ", ")
	res.Warning = strings.Join(said[Warned], "; ")
	var errs []error
	if list := said[Failed]; len(list) > 0 {
		errs = append(errs, fmt.Errorf("%w: %s", run.ErrCheck, strings.Join(list, "; ")))
	}
	if list := said[Broken]; len(list) > 0 {
		errs = append(errs, fmt.Errorf("a check could not be asked: %s", strings.Join(list, "; ")))
	}
	return res, errors.Join(errs...)
}

// Latest reads what the latest run of each of the jobs found, if it was not before since; in the order of the jobs, and
// of the checks in each.
func Latest(ctx context.Context, db *pgxpool.Pool, jobs []string, since time.Time) ([]Result, error) {
	rows, err := db.Query(ctx, sql.Query("check_results"), jobs, since)
	if err != nil {
		return nil, fmt.Errorf("read the results of checks: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Result, err error) {
		var examples string
		err = row.Scan(&r.Job, &r.Name, &r.Kind, &r.Target, &r.Severity, &r.State, &r.BadRows, &r.Message, &examples, &r.TookMs)
		r.Examples = json.RawMessage(examples)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the results of checks: %w", err)
	}
	return list, nil
}
