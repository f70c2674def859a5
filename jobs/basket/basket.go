// Package basket is the job kind `ml.basket`: it finds products that sell together by Apriori and replaces table
// product_associations with the rules.
//
// A basket is everything a customer ever bought, or what one bought in one visit. A run reads what was bought before
// as_of, in one snapshot, and writes in one transaction: readers see the rules of the run before until those of this one
// are complete, and a run that fails leaves them. The same purchases and the same as_of give the same rows, but for the
// run's id. Table association_runs says of each table of rules which run made it, from how many rows and baskets, and
// with which settings.
//
// With from: a run reads the pairs of customer and product that a stream keeps (rollup: on its sink) and adds those of the
// purchases since they were last raised: the same pairs as of all purchases, and so the same rules. For a time before what
// the rollup holds it reads all purchases, and the run's note says so.
//
// No purchases, one basket, or one item give no rules, or none that say anything, and no error; a basket or an item that
// is null is an error that says where, and so is a query with other columns.
package basket

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/apriori"
	"tillflow/lib/dataset"
	"tillflow/lib/publish"
)

// Deps is what a basket analysis works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string // folder of the dagfile
}

// Job finds rules.
type Job struct {
	name  string
	with  With
	deps  Deps
	query dataset.Query
}

// New makes the job. A query of the dagfile's own is read now, so that a missing file shows before the first run.
func New(name string, w With, d Deps) (*Job, error) {
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w.withDefaults()
	query, err := dataset.Find(w.Query, d.Dir, "basket_input_"+w.Basket)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if w.From != "" {
		query = dataset.Query{Origin: "rollup " + w.From}
	}
	return &Job{name: name, with: w, deps: d, query: query}, nil
}

// Run finds the rules in what was bought before in.AsOf.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var result run.Result
	err := publish.Exclusive(ctx, j.deps.DB, j.with.Into, func(conn *pgx.Conn) error {
		data, err := j.read(ctx, conn, in)
		if err != nil {
			return fmt.Errorf("read baskets: %w", err)
		}
		in.Progress(run.Progress{Rows: data.rows, Lag: -1, Note: fmt.Sprintf("%d baskets", data.baskets.Len())})
		f := findings{baskets: data}
		if f.sets, err = apriori.Mine(ctx, data.baskets, apriori.Options{
			MinSupport: *j.with.MinSupport, MaxLen: j.with.MaxLen, MaxItemsets: j.with.MaxItemsets, Budget: j.with.Budget,
		}); err != nil {
			return fmt.Errorf("find itemsets: %w", err)
		}
		if f.rules, err = apriori.Rules(f.sets, apriori.RuleOptions{
			MinConfidence: *j.with.MinConfidence, MaxConsequent: j.with.MaxConsequent, MinCount: int64(j.with.MinCount),
			MaxRules: j.with.MaxRules, MaxFDR: j.with.MaxFDR, DropRedundant: j.with.Redundant == drop,
		}); err != nil {
			return fmt.Errorf("find rules: %w", err)
		}
		written, err := j.write(ctx, conn, f, in)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("%d baskets, %d itemsets, %d rules", data.baskets.Len(), f.sets.Len(), len(f.rules))
		if f.sets.Stopped != "" {
			note += "; " + f.sets.Stopped
		}
		if data.why != "" {
			note += "; all rows were read: " + data.why
		}
		result = run.Result{RowsRead: data.rows, RowsWritten: written, Note: note}
		return nil
	})
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	return result, nil
}
