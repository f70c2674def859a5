package basket

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/dataset"
	"tillflow/lib/ledger"
	"tillflow/lib/publish"
)

// source is the query for what was bought before a time, to be read in the snapshot of tx. Where a rollup is to be read and
// cannot say it, since it holds later rows already, why says so, and the query reads all rows.
func (j *Job) source(ctx context.Context, tx pgx.Tx, before time.Time) (q dataset.Query, why string, err error) {
	if j.with.From == "" {
		return j.query, "", nil
	}
	r, err := ledger.FindRollup(ctx, tx, j.with.From)
	if err != nil {
		return q, "", err
	}
	if len(r.Key) != 2 {
		return q, "", fmt.Errorf("rollup %s has a key of %d columns; it must be the basket and the item", j.with.From, len(r.Key))
	}
	text, why := r.Before(before)
	text = fmt.Sprintf("select %s as basket, %s as item from (\n%s) bought", publish.Name(r.Key[0]).Sanitize(), publish.Name(r.Key[1]).Sanitize(), text)
	return dataset.Query{Text: text, Origin: j.query.Origin}, why, nil
}
