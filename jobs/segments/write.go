package segments

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
	"tillflow/sql"
)

var (
	qForget = sql.Query("segments_forget")
	qNote   = sql.Query("segments_note")
)

// write replaces the tables in one transaction and says in a few words who moved.
func (j *Job) write(ctx context.Context, conn *pgx.Conn, s scored, in run.Input) (moved string, err error) {
	if err := j.names.make(ctx, conn); err != nil {
		return "", err
	}
	rec := j.record(s, string(in.ID))
	defer rec.Release()
	live := in.From.IsZero()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		keep, err := j.keeps(ctx, tx, s.asOf, live)
		if err != nil {
			return err
		}
		if live {
			if err := j.forgetMoves(ctx, tx); err != nil {
				return err
			}
			if _, err := publish.Record(ctx, tx, j.names.live, rec, ""); err != nil {
				return err
			}
			if err := j.sign(ctx, tx, "live", s, in.ID); err != nil {
				return err
			}
			if err := j.writeProfiles(ctx, tx, s, in.ID); err != nil {
				return err
			}
			if s.sweep != nil {
				if err := j.writeSweep(ctx, tx, s.sweep, s, in.ID); err != nil {
					return err
				}
			}
		}
		if keep {
			snapshot := without(rec, "run_id")
			defer snapshot.Release()
			if _, err := publish.Record(ctx, tx, j.names.history, snapshot, "as_of = $1", s.asOf); err != nil {
				return err
			}
			if err := j.sign(ctx, tx, "history", s, in.ID); err != nil {
				return err
			}
		}
		if moved, err = j.movements(ctx, tx, s.asOf, keep); err != nil || !live {
			return err
		}
		return j.prune(ctx, tx, s.asOf)
	})
	return moved, err
}

// sign writes down which run made the rows of a table, and from what.
func (j *Job) sign(ctx context.Context, tx pgx.Tx, kind string, s scored, id run.ID) error {
	p := map[string]any{
		"ties": j.with.Ties, "frequency": j.with.Frequency, "net": j.with.Net, "k": j.with.K, "starts": j.with.Starts,
		"seed": j.with.Seed, "scale": *j.with.Scale, "as_of": j.with.AsOf, "segments": describe(&j.table), "query": j.query.Text,
	}
	if j.with.From != "" {
		p["from"], p["refunds"] = j.with.From, j.with.Refunds
	}
	parameters, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, qForget, j.with.Into, kind, s.asOf); err != nil {
		return fmt.Errorf("write segment_runs: %w", err)
	}
	if _, err := tx.Exec(ctx, qNote, j.with.Into, kind, s.asOf, string(id), parameters, s.rows, s.Len(), s.Differ); err != nil {
		return fmt.Errorf("write segment_runs: %w", err)
	}
	return nil
}

// record puts the customers in the columns of the table. The caller releases it.
func (j *Job) record(s scored, id string) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "customer_id", Type: arrow.BinaryTypes.String},
		{Name: "recency_days", Type: arrow.PrimitiveTypes.Int32},
		{Name: "frequency", Type: arrow.PrimitiveTypes.Int64},
		{Name: "monetary", Type: &arrow.Decimal128Type{Precision: 38, Scale: int32(*j.with.Scale)}},
		{Name: "r_score", Type: arrow.PrimitiveTypes.Int16},
		{Name: "f_score", Type: arrow.PrimitiveTypes.Int16},
		{Name: "m_score", Type: arrow.PrimitiveTypes.Int16},
		{Name: "rfm_segment", Type: arrow.BinaryTypes.String},
		{Name: "cluster_id", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "run_id", Type: arrow.BinaryTypes.String},
		{Name: "as_of", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	}, nil))
	defer b.Release()
	b.Reserve(s.Len())
	for i, id := range s.ids {
		b.Field(0).(*array.StringBuilder).Append(id)
		b.Field(1).(*array.Int32Builder).Append(int32(min(s.Recency[i], math.MaxInt32)))
		b.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(s.Monetary[i]))
		b.Field(7).(*array.StringBuilder).Append(s.segment[i])
		if group := s.groups.label[i]; group >= 0 {
			b.Field(8).(*array.Int32Builder).Append(group)
		} else {
			b.Field(8).AppendNull()
		}
	}
	b.Field(2).(*array.Int64Builder).AppendValues(s.Frequency, nil)
	for at, scores := range [][]uint8{s.R, s.F, s.M} {
		for _, score := range scores {
			b.Field(4 + at).(*array.Int16Builder).Append(int16(score))
		}
	}
	for range s.ids {
		b.Field(9).(*array.StringBuilder).Append(id)
		b.Field(10).(*array.TimestampBuilder).Append(arrow.Timestamp(s.asOf.UnixMicro()))
	}
	return b.NewRecord()
}

// without is a record less one column. The caller releases it.
func without(rec arrow.Record, name string) arrow.Record {
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range rec.Schema().Fields() {
		if f.Name != name {
			fields, columns = append(fields, f), append(columns, rec.Column(i))
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows())
}

// keeps tells whether the run leaves a snapshot in the history.
func (j *Job) keeps(ctx context.Context, tx pgx.Tx, asOf time.Time, live bool) (bool, error) {
	switch {
	case j.with.History == HistoryNone:
		return false, nil
	case !live, j.with.History == HistoryRun, asOf.Nanosecond() == 0:
		return true, nil
	}
	var there bool
	if err := tx.QueryRow(ctx, qDay, j.with.Into, asOf).Scan(&there); err != nil {
		return false, fmt.Errorf("look for the day's snapshot: %w", err)
	}
	return !there, nil
}

// options are those of the scores.
func (j *Job) options() rfm.Options {
	return rfm.Options{Frequency: rfm.Frequency(j.with.Frequency), Ties: rfm.Ties(j.with.Ties), Net: j.with.Net}
}
