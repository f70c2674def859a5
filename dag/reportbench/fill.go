package reportbench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"tillflow/lib/ledger"
	"tillflow/lib/pg"
)

// Data says how much a database is filled with.
type Data struct {
	Rows      int       // transactions; a tenth of them are brought back
	PerDay    int       // how many a day has; they reach back so far. Default 43,200: what the simulated tills make
	Customers int       // default 60,000
	Until     time.Time // where they end; required
	Seed      uint64    // the same seed gives the same rows
	Say       func(string)
}

func (d Data) withDefaults() Data {
	if d.PerDay == 0 {
		d.PerDay = 43_200
	}
	if d.Customers == 0 {
		d.Customers = 60_000
	}
	if d.Say == nil {
		d.Say = func(string) {}
	}
	return d
}

// Fill puts a shop's sales into an empty database that is migrated: catalogue, transactions, refunds, minute totals,
// segments, rules, anomalies, and the ledger of the streams that would have brought them. The rows come by binary COPY,
// some 300,000 transactions a second on one core, without the checks of foreign keys; so the user must be a superuser.
func Fill(ctx context.Context, db *pgxpool.Pool, d Data) (err error) {
	d = d.withDefaults()
	if d.Rows < 1 || d.PerDay < 1 || d.Customers < 1 || d.Until.IsZero() {
		return fmt.Errorf("fill: %d rows, %d a day, %d customers until %s make no shop", d.Rows, d.PerDay, d.Customers, d.Until)
	}
	c, err := readCatalogue()
	if err != nil {
		return fmt.Errorf("fill: read the seeds: %w", err)
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer conn.Release()
	f := &filling{data: d, sales: newSales(d, c), conn: conn}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"a catalogue", f.catalogue},
		{fmt.Sprintf("%d transactions", d.Rows), f.transactions},
		{"refunds", f.refunds},
		{"minute totals", f.minutes},
		{"segments, rules and anomalies", f.models},
		{"statistics of the tables", f.settle},
	}
	if _, err := conn.Exec(ctx, "set session_replication_role = replica; set synchronous_commit = off"); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer func() { // the connection goes back to the pool
		if _, e := conn.Exec(context.WithoutCancel(ctx), "reset session_replication_role; reset synchronous_commit"); err == nil && e != nil {
			err = fmt.Errorf("fill: %w", e)
		}
	}()
	for _, s := range steps {
		d.Say(s.what)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("fill: %s: %w", s.what, err)
		}
	}
	return f.ledger(ctx)
}

// filling is a Fill in hand.
type filling struct {
	data  Data
	sales *sales
	conn  *pgxpool.Conn
}

// step is how many rows go into one COPY.
const step = 100_000

// copy sends a record and releases it.
func (f *filling) copy(ctx context.Context, table string, rec arrow.Record) error {
	defer rec.Release()
	_, err := pg.CopyRecord(ctx, f.conn.Conn().PgConn(), table, rec)
	return err
}

// transactions makes sales while those before them are copied.
func (f *filling) transactions(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	ready := make(chan arrow.Record, 1)
	g.Go(func() error {
		defer close(ready)
		var buf []sale
		for {
			buf = f.sales.batch(buf, step)
			if len(buf) == 0 {
				return nil
			}
			rec := f.saleRecord(buf)
			select {
			case ready <- rec:
			case <-ctx.Done():
				rec.Release()
				return context.Cause(ctx)
			}
		}
	})
	g.Go(func() error {
		for rec := range ready {
			if err := f.copy(ctx, "transactions", rec); err != nil {
				for left := range ready { // the maker stops, since ctx ends with this error
					left.Release()
				}
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

func (f *filling) refunds(ctx context.Context) error {
	list := f.sales.refunds
	slices.SortFunc(list, func(a, b refund) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.of, b.of)) })
	for i := range list {
		list[i].id = int64(i + 1)
	}
	for part := range slices.Chunk(list, step) {
		if err := f.copy(ctx, "refunds", f.refundRecord(part)); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) minutes(ctx context.Context) error {
	for part := range slices.Chunk(f.sales.minutes, step) {
		if err := f.copy(ctx, "product_metrics_minute", f.minuteRecord(part)); err != nil {
			return err
		}
	}
	return nil
}

// settle does what the server would do in the background some time later. The block-range indexes are made anew: a vacuum
// of our own interrupts one that summarizes a range in the background, and in Postgres 15 a range that is left half-way
// makes every scan read all that is stored behind it.
func (f *filling) settle(ctx context.Context) error {
	if _, err := f.conn.Exec(ctx, "vacuum (freeze, analyze)"); err != nil {
		return err
	}
	rows, err := f.conn.Query(ctx, "select c.oid::regclass::text from pg_class c join pg_am a on a.oid = c.relam where c.relkind = 'i' and a.amname = 'brin'")
	if err != nil {
		return err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if _, err := f.conn.Exec(ctx, "reindex index "+index); err != nil {
			return err
		}
	}
	_, err = f.conn.Exec(ctx, "checkpoint")
	return err
}

// ledger says how far the streams are, as if they had brought the rows.
func (f *filling) ledger(ctx context.Context) error {
	window := []ledger.WindowTable{{Name: "product_metrics_minute", Size: time.Minute, Step: time.Minute}, {Name: "sales_hour", Size: time.Hour, Step: time.Hour}}
	for _, s := range []struct {
		topic   string
		rows    int64
		windows []ledger.WindowTable
	}{{"transactions", f.sales.made, window}, {"refunds", int64(len(f.sales.refunds)), nil}} {
		job := "stream." + s.topic
		err := ledger.Register(ctx, f.conn, job, ledger.Settings{Topic: s.topic, Delay: 5 * time.Minute, Idle: time.Minute, Late: "drop", Windows: s.windows})
		if err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		_, err = f.conn.Exec(ctx, `insert into dag.stream_offsets (job, topic, partition, next_offset, log_end, rows, max_event_time) values ($1, $2, 0, $3, $3, $3, $4)`,
			job, s.topic, s.rows, f.data.Until.UTC())
		if err != nil {
			return fmt.Errorf("fill: ledger of %s: %w", job, err)
		}
	}
	return nil
}
