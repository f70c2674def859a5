package segments

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
	bought, why, err := totals(ctx, tx, j.with.From, before)
	if err != nil {
		return q, "", err
	}
	text := fmt.Sprintf("select %s as customer_id, last_ts, frequency, monetary from (\n%s) bought", bought.key, bought.query)
	if j.with.Refunds != "" {
		refunds, too, err := totals(ctx, tx, j.with.Refunds, before)
		if err != nil {
			return q, "", err
		}
		if why == "" {
			why = too
		}
		text = fmt.Sprintf(`select bought.%[1]s as customer_id, last_ts, frequency, monetary - coalesce(refunded, 0) as monetary
from (
%[2]s) bought
left join (
%[4]s) returned on returned.%[3]s = bought.%[1]s`, bought.key, bought.query, refunds.key, refunds.query)
	}
	return dataset.Query{Text: text, Origin: "rollup " + j.with.From}, why, nil
}

// kept is a rollup as of a time: a query, and the column in it that is the customer.
type kept struct{ query, key string }

func totals(ctx context.Context, tx pgx.Tx, table string, before time.Time) (k kept, why string, err error) {
	r, err := ledger.FindRollup(ctx, tx, table)
	if err != nil {
		return k, "", err
	}
	if len(r.Key) != 1 {
		return k, "", fmt.Errorf("rollup %s has a key of %d columns; it must be the customer alone", table, len(r.Key))
	}
	query, why := r.Before(before)
	return kept{query, publish.Name(r.Key[0]).Sanitize()}, why, nil
}
