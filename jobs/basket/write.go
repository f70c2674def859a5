package basket

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/dag/run"
	"tillflow/lib/apriori"
	"tillflow/lib/publish"
	"tillflow/sql"
)

var (
	qNote    = sql.Query("association_note")
	qColumns = sql.Query("association_columns")
)

// model is the table others are made like.
const model = "product_associations"

// trust are the columns model got later.
var trust = []string{"confidence_low", "confidence_high", "p_value", "q_value"}

var columns = append([]string{
	"antecedent", "consequent", "support", "confidence", "lift", "leverage", "conviction", "zhang", "count", "run_id", "as_of",
}, trust...)

// uniqueViolation is Postgres's code for a key that is there already.
const uniqueViolation = "23505"

// findings are what a run found in its baskets.
type findings struct {
	baskets
	sets  *apriori.Itemsets
	rules []apriori.Rule
}

// ready makes sure the table is there and has all columns.
func (j *Job) ready(ctx context.Context, conn *pgx.Conn) error {
	if j.with.Into == model {
		return nil
	}
	if err := publish.Like(ctx, conn, j.with.Into, model); err != nil {
		return err
	}
	name := publish.Name(j.with.Into).Sanitize()
	rows, err := conn.Query(ctx, qColumns, name, trust)
	if err != nil {
		return fmt.Errorf("columns of %s: %w", j.with.Into, err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("columns of %s: %w", j.with.Into, err)
	}
	for _, column := range missing {
		if _, err := conn.Exec(ctx, "alter table "+name+" add column "+column+" double precision"); err != nil {
			return fmt.Errorf("add column %s to %s: %w", column, j.with.Into, err)
		}
	}
	return nil
}

// write replaces the rules and notes what they come from, in one transaction.
func (j *Job) write(ctx context.Context, conn *pgx.Conn, f findings, in run.Input) (written int64, err error) {
	if err := j.ready(ctx, conn); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		name := publish.Name(j.with.Into)
		if _, err := tx.Exec(ctx, "delete from "+name.Sanitize()); err != nil {
			return fmt.Errorf("empty %s: %w", j.with.Into, err)
		}
		if written, err = tx.CopyFrom(ctx, name, columns, f.source(in)); err != nil {
			return fmt.Errorf("write %s: %w", j.with.Into, alike(err))
		}
		_, err := tx.Exec(ctx, qNote, j.with.Into, string(in.ID), in.AsOf.UTC(), j.parameters(),
			f.rows, f.baskets.baskets.Len(), len(f.items), f.sets.Len(), written, f.sets.Stopped)
		if err != nil {
			return fmt.Errorf("note the run of %s: %w", j.with.Into, err)
		}
		return nil
	})
	return written, err
}

// alike explains a key that is there twice. Items are joined by ", ", so one that holds it can read like two.
func alike(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != uniqueViolation {
		return err
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(pgErr.Detail, "Key "), " already")
	return fmt.Errorf("two rules read alike, %s: an item holds \", \", replace that in the query: %w", key, err)
}

// parameters are the settings that make a difference to the rules.
func (j *Job) parameters() map[string]any {
	p := map[string]any{
		"query": j.query.Origin, "min_support": *j.with.MinSupport, "min_confidence": *j.with.MinConfidence,
		"max_len": j.with.MaxLen, "max_consequent": j.with.MaxConsequent, "max_itemsets": j.with.MaxItemsets,
		"min_count": j.with.MinCount, "max_fdr": j.with.MaxFDR, "redundant": j.with.Redundant,
	}
	if j.with.Budget > 0 {
		p["budget"] = j.with.Budget.String()
	}
	if j.with.Basket == byVisit {
		p["gap"] = j.with.Gap.String()
	}
	return p
}

// source gives the rules as rows to write.
func (f findings) source(in run.Input) pgx.CopyFromSource {
	return pgx.CopyFromSlice(len(f.rules), func(i int) ([]any, error) {
		r := &f.rules[i]
		return []any{
			f.text(r.Antecedent), f.text(r.Consequent),
			r.Support, r.Confidence, r.Lift, r.Leverage, r.Conviction, r.Zhang, r.Count, string(in.ID), in.AsOf.UTC(),
			r.ConfidenceLow, r.ConfidenceHigh, r.P, r.Q,
		}, nil
	})
}

// text joins items in ascending order.
func (b baskets) text(items []int32) string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = b.items[item]
	}
	return strings.Join(names, ", ")
}
