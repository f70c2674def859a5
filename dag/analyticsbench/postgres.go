package analyticsbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/dataset"
	"tillflow/lib/embedded"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
)

// plain is the same work as Postgres does it itself. The bins are those of package rfm.
const plain = `
with orders as (
    select customer_id, order_id, max(ts) as ts, sum(cents) as cents from order_lines group by 1, 2
), customers as (
    select customer_id, $1::bigint - extract(epoch from max(ts))::bigint as recency, count(*) as frequency, sum(cents) as monetary
    from orders group by 1
), ranked as (
    select customer_id, count(*) over () as n,
           row_number() over (order by recency / 86400, customer_id) - 1 as r,
           row_number() over (order by frequency, customer_id) - 1 as f,
           row_number() over (order by monetary, customer_id) - 1 as m
    from customers
), scored as (
    select customer_id,
           6 - case r when 0 then 1 else (5 * r + n - 2) / (n - 1) end as r,
           case f when 0 then 1 else (5 * f + n - 2) / (n - 1) end as f,
           case m when 0 then 1 else (5 * m + n - 2) / (n - 1) end as m
    from ranked
)
select sum(customer_id % 1009 * (100 * r + 10 * f + m))::float8 from scored`

// rfmPostgres scores the customers of a table of order lines, and of a table that holds one row a customer.
func (b *bench) rfmPostgres(ctx context.Context) (err error) {
	server, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		State: filepath.Join(b.dir, "postgres"), Log: b.Log, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	db, err := pg.Open(ctx, server.SocketURL())
	if err != nil {
		return err
	}
	defer db.Close()
	n, customers := b.of(10_000_000, 20_000), b.of(800_000, 1600)
	b.Say("a table of " + count(n) + " order lines")
	if err := fill(ctx, db, orderLines(n, customers)); err != nil {
		return err
	}
	if err := b.fromLines(ctx, db, server.URL(), n); err != nil {
		return err
	}
	return b.fromRollup(ctx, db)
}

// fill makes the tables.
func fill(ctx context.Context, db *pgxpool.Pool, lines rfm.Lines) error {
	_, err := db.Exec(ctx, "create table order_lines (customer_id bigint not null, order_id bigint not null, ts timestamp not null, cents bigint not null)")
	if err != nil {
		return err
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	const step = 200_000
	for from := 0; from < lines.Len(); from += step {
		rec := record(lines, from, min(from+step, lines.Len()))
		_, err := pg.CopyRecord(ctx, conn.Conn().PgConn(), "order_lines", rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"vacuum analyze order_lines",
		`create table customers as select customer_id, max(ts) as last_ts, count(distinct order_id) as frequency, sum(cents)::bigint as monetary
			from order_lines group by 1`,
		"vacuum analyze customers", "checkpoint",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// record holds lines from up to but not including to. The caller releases it.
func record(l rfm.Lines, from, to int) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "customer_id", Type: arrow.PrimitiveTypes.Int64}, {Name: "order_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "cents", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	rows := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer rows.Release()
	for i, column := range [][]int64{l.Customer, l.Order, nil, l.Amount} {
		if column != nil {
			rows.Field(i).(*array.Int64Builder).AppendValues(column[from:to], nil)
		}
	}
	for _, at := range l.Time[from:to] {
		rows.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	}
	return rows.NewRecord()
}

// fromLines reads all lines and scores.
func (b *bench) fromLines(ctx context.Context, db *pgxpool.Pool, url string, n int) error {
	query := dataset.Query{
		Text: "select customer_id, order_id, ts, cents from order_lines where ctid >= $1 and ctid < $2", Origin: "the bench", // in ranges
	}
	var result rfm.Result
	return b.measure(ctx, measure{
		name: "rfm, " + count(n) + " order lines in Postgres", task: "rfm_postgres", args: []string{fmt.Sprint(until), url}, few: !b.Small,
		noted: Peer{Name: "DuckDB over its Postgres extension", Ms: 9100},
		run: func() error {
			var lines rfm.Lines
			err := read(ctx, db, query, dataset.Shape{
				"customer_id": pg.Int64s(&lines.Customer), "order_id": pg.Int64s(&lines.Order), "ts": pg.Micros(&lines.Time), "cents": pg.Int64s(&lines.Amount),
			})
			if err != nil {
				return err
			}
			result, err = rfm.Compute(lines, until, rfm.Options{Frequency: rfm.Orders})
			return err
		},
		check: func() float64 { return scoreSum(result) },
		tell:  func() string { return fmt.Sprintf("%d customers, check sum %.0f", result.Len(), scoreSum(result)) },
		own: func() (Peer, error) {
			p := Peer{Name: "Postgres SQL"}
			begun := time.Now()
			err := db.QueryRow(ctx, plain, until/1_000_000).Scan(&p.Check)
			p.Ms = milliseconds(time.Since(begun))
			return p, err
		},
	})
}

// fromRollup reads one row a customer and scores.
func (b *bench) fromRollup(ctx context.Context, db *pgxpool.Pool) error {
	query := dataset.Query{Text: "select customer_id, last_ts, frequency, monetary from customers order by customer_id", Origin: "the bench"}
	var result rfm.Result
	return b.measure(ctx, measure{
		name: "rfm, from kept totals of each customer in Postgres",
		run: func() error {
			var c rfm.Customers
			err := read(ctx, db, query, dataset.Shape{
				"customer_id": pg.Int64s(&c.ID), "last_ts": pg.Micros(&c.Last), "frequency": pg.Int64s(&c.Frequency), "monetary": pg.Int64s(&c.Monetary),
			})
			if err != nil {
				return err
			}
			result, err = rfm.Rank(c, until, rfm.Options{Frequency: rfm.Orders})
			return err
		},
		check: func() float64 { return scoreSum(result) },
		tell:  func() string { return fmt.Sprintf("%d customers, check sum %.0f", result.Len(), scoreSum(result)) },
	})
}

// read reads a query in one snapshot, as the jobs do.
func read(ctx context.Context, db *pgxpool.Pool, query dataset.Query, shape dataset.Shape) error {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return publish.Snapshot(ctx, conn.Conn(), func(tx pgx.Tx) error {
		_, err := query.Read(ctx, tx.Conn(), nil, shape)
		return err
	})
}
