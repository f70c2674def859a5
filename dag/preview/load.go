// Package preview renders a report for the person who writes it: once, or again each time the file is saved.
package preview

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/notebook"
	"tillflow/lib/pg"
)

// Load runs every query of a report in one snapshot of the database and gives what its page shows: that of some values,
// or, where a report has a page for each of many and none is named, the index of them. asOf is bound as :now; the page
// says it was built at now. A query gets the whole timeout that the file gives it, since no other run waits.
//
// A cell that fails is in the Data. The error is a *notebook.ValueError when the report has no such page.
func Load(ctx context.Context, db *pgxpool.Pool, rep *notebook.Report, v notebook.Values, asOf, now time.Time) (*notebook.Data, error) {
	book := notebook.NewBook(rep)
	book.Patient = true
	var data *notebook.Data
	err := pg.NewReader(db).ReadOnly(ctx, 0, func(tx pgx.Tx) (err error) {
		s := book.Snapshot(tx, asOf, now)
		if rep.ForEach() && len(v) == 0 {
			data, _, err = s.Index(ctx)
		} else {
			data, err = s.Page(ctx, v)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", rep.File, err)
	}
	return data, nil
}
