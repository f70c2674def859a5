package anomalies

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/publish"
	"tillflow/sql"
)

var (
	qSeries = sql.Query("anomalies_series")
	qSilent = sql.Query("anomalies_silent")
	qRun    = sql.Query("anomalies_run")
)

// sign writes down how far each series could be judged. A series without a row in the days that were read is silent.
func (j *Job) sign(ctx context.Context, tx pgx.Tx, id string, w windows, states []judged) error {
	var names []string
	var judged, sparse, orders []int64
	var first, last []time.Time
	for _, s := range states {
		names = append(names, string(s.State()))
		judged, sparse, orders = append(judged, int64(s.Judged)), append(sparse, int64(s.Sparse)), append(orders, s.Orders)
		first, last = append(first, s.first), append(last, s.last)
	}
	if _, err := tx.Exec(ctx, qSeries, j.with.Into, w.names, names, judged, sparse, orders, first, last, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, qSilent, j.with.Into, w.names, id)
	return err
}

// note writes down what the run judged, and forgets old runs that no anomaly names.
func (j *Job) note(ctx context.Context, tx pgx.Tx, in run.Input, w windows, states []judged) error {
	var from *time.Time
	if w.cut != noCut {
		at := time.UnixMicro(w.cut).UTC()
		from = &at
	}
	windows := int64(0)
	for _, s := range states {
		windows += int64(s.Windows)
	}
	if _, err := tx.Exec(ctx, qRun, j.with.Into, string(in.ID), in.AsOf.UTC(), from, time.UnixMicro(w.end).UTC(), w.rows, len(states), windows, string(w.parameters)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `delete from anomaly_runs as r where table_name = $1 and written_at < now() - interval '30 days' and run_id <> $2
		and not exists (select from `+publish.Name(j.with.Into).Sanitize()+` where run_id = r.run_id)
		and not exists (select from anomaly_series as s where s.table_name = $1 and s.run_id = r.run_id)`, j.with.Into, string(in.ID))
	return err
}
