package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/pg"
)

// verdict is what became of one row.
type verdict struct {
	inserted bool
	refused  bool   // by the table; not inserted and no duplicate
	differs  bool   // a duplicate, but not the same values
	why      string // it was refused, or how it differs, which is said of the first one
}

// savepoint is where a part of a batch begins that can be undone alone.
const savepoint = "tillflow"

// insert puts the rows into the raw table and says what became of each, until the next call. The transaction stands at a
// savepoint.
func (w *writer) insert(ctx context.Context, r *rows) ([]verdict, error) {
	w.verdicts = slices.Grow(w.verdicts[:0], len(r.offsets))
	verdicts := w.verdicts[:len(r.offsets)]
	clear(verdicts)
	if len(verdicts) == 0 {
		return verdicts, nil
	}
	if err := w.insertPart(ctx, r.rec, verdicts); err != nil {
		return nil, err
	}
	if len(r.kept) < len(verdicts) {
		for _, v := range verdicts {
			if v.refused {
				return nil, errNotKept
			}
		}
	}
	return verdicts, nil
}

// insertPart inserts the rows of rec. Straight COPY is twice as fast as the staged way and fails as a whole on a
// repeated key, so it is tried first unless the batch before had repeated keys. A row the table refuses, by a check
// constraint for one, is found by halving.
func (w *writer) insertPart(ctx context.Context, rec arrow.Record, verdicts []verdict) error {
	var err error
	staged := w.repeats
	if !staged {
		if err = w.copyRows(ctx, rec); err == nil {
			for i := range verdicts {
				verdicts[i].inserted = true
			}
			return nil
		}
		if staged = code(err) == "23505"; staged {
			if err := w.exec(ctx, "rollback to savepoint "+savepoint); err != nil {
				return err
			}
		}
	}
	if staged {
		if err = w.stageRows(ctx, rec, verdicts); err == nil {
			return nil
		}
	}
	if !refusal(err) {
		return err
	}
	if rerr := w.exec(ctx, "rollback to savepoint "+savepoint); rerr != nil {
		return rerr
	}
	if len(verdicts) == 1 {
		verdicts[0] = verdict{refused: true, why: refusalText(err)}
		return nil
	}
	half := len(verdicts) / 2
	first, second := rec.NewSlice(0, int64(half)), rec.NewSlice(int64(half), rec.NumRows())
	defer first.Release()
	defer second.Release()
	if err := w.insertPart(ctx, first, verdicts[:half]); err != nil {
		return err
	}
	if err := w.exec(ctx, "savepoint "+savepoint); err != nil {
		return err
	}
	return w.insertPart(ctx, second, verdicts[half:])
}

// copyRows copies the rows straight into the table, sorted by its key when they come in another order.
func (w *writer) copyRows(ctx context.Context, rec arrow.Record) error {
	order := w.order.byKey(rec, w.raw.key)
	if rec.NumRows() >= leastBatch { // few rows say little about the next ones
		w.scattered = order != nil
	}
	_, err := pg.CopyRows(ctx, w.conn.PgConn(), w.raw.name, rec, order)
	return err
}

// stageRows inserts the rows by way of a temporary table, and finds out which of them are new. Of several rows with
// one key the first wins, whether the others are in this batch or in the table already; those that differ from it are
// marked.
func (w *writer) stageRows(ctx context.Context, rec arrow.Record, verdicts []verdict) error {
	if err := w.exec(ctx, w.stage); err != nil {
		return err
	}
	numbered := w.number(rec)
	defer numbered.Release()
	if _, err := pg.CopyRecord(ctx, w.conn.PgConn(), stageTable, numbered); err != nil {
		return err
	}
	var fresh []int64
	q := &pgx.Batch{}
	q.Queue(w.sinks.insert).Query(func(rows pgx.Rows) (err error) {
		fresh, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("insert staged rows into %s: %w", w.raw.name, err)
	}
	clear(verdicts)
	for _, i := range fresh {
		verdicts[i].inserted = true
	}
	w.repeats = len(fresh) < len(verdicts)
	q = &pgx.Batch{}
	if w.repeats && w.conflicts != "" {
		w.queueConflicts(q, verdicts)
	}
	q.Queue("delete from " + stageTable)
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("compare repeated rows with %s: %w", w.raw.name, err)
	}
	return nil
}

// queueConflicts queues the marking of the duplicates that differ from the row the table has.
func (w *writer) queueConflicts(q *pgx.Batch, verdicts []verdict) {
	var repeated []int64
	for i, v := range verdicts {
		if !v.inserted {
			repeated = append(repeated, int64(i))
		}
	}
	q.Queue(w.conflicts, repeated).Query(func(rows pgx.Rows) error {
		var row int64
		var how string
		_, err := pgx.ForEachRow(rows, []any{&row, &how}, func() error {
			verdicts[row].differs, verdicts[row].why = true, how
			return nil
		})
		return err
	})
}

// number adds a column with the place of each row. The caller releases the record.
func (w *writer) number(rec arrow.Record) arrow.Record {
	b := array.NewInt64Builder(w.mem)
	defer b.Release()
	b.Reserve(int(rec.NumRows()))
	for i := range rec.NumRows() {
		b.UnsafeAppend(i)
	}
	place := b.NewArray()
	defer place.Release()
	fields := append(rec.Schema().Fields(), arrow.Field{Name: stageRow, Type: place.DataType()})
	return array.NewRecord(arrow.NewSchema(fields, nil), append(rec.Columns()[:rec.NumCols():rec.NumCols()], place), rec.NumRows())
}

func (w *writer) exec(ctx context.Context, statement string) error {
	if _, err := w.conn.Exec(ctx, statement); err != nil {
		verb, _, _ := strings.Cut(statement, " ")
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// code is the SQLSTATE of a Postgres error, or empty.
func code(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

// refusal says whether the table refuses a row for what it holds: data exceptions, integrity violations, and values
// over a limit, such as a key too long for its index.
func refusal(err error) bool {
	c := code(err)
	return strings.HasPrefix(c, "22") || strings.HasPrefix(c, "23") || strings.HasPrefix(c, "54")
}

func refusalText(err error) string {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return err.Error()
	}
	if pe.Detail != "" {
		return "the table refuses it: " + pe.Message + " (" + pe.Detail + ")"
	}
	return "the table refuses it: " + pe.Message
}
