package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/sql"
)

// catalogue reads what the shop sells and where. While Postgres is away or starting it asks again, with growing
// pauses; any other error ends the run.
func (j *Job) catalogue(ctx context.Context) ([]product, []store, error) {
	for pause, told := 100*time.Millisecond, ""; ; pause = min(2*pause, 5*time.Second) {
		products, stores, err := j.readCatalogue(ctx)
		if err == nil || ctx.Err() != nil {
			return products, stores, ended(ctx, err)
		}
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code[:2] != "08" && pgErr.Code[:2] != "53" && pgErr.Code[:2] != "57" {
			return nil, nil, err
		}
		if err.Error() != told {
			told = err.Error()
			j.deps.Log.WarnContext(ctx, "waiting for Postgres", "job", j.name, "error", err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

func (j *Job) readCatalogue(ctx context.Context) (products []product, stores []store, err error) {
	rows, err := j.deps.DB.Query(ctx, sql.Query("simulate_products"))
	if err == nil {
		products, err = pgx.CollectRows(rows, pgx.RowToStructByPos[product])
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read dim_products: %w", err)
	}
	rows, err = j.deps.DB.Query(ctx, sql.Query("simulate_stores"))
	if err == nil {
		stores, err = pgx.CollectRows(rows, pgx.RowToStructByPos[store])
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read dim_stores: %w", err)
	}
	return products, stores, nil
}
