package streambench

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/pg"
)

const (
	copyBatch = 50_000 // rows in a transaction of bare COPY: as many as the stream's
	sendBatch = 5000
	insertMax = 20_000 // rows that are inserted one by one; the rate does not depend on how many
	insertTx  = 1000   // of them in a transaction
)

// count is how many of the rows partition p has: sale n is in partition n % Partitions.
func (b *bench) count(p int) int { return (b.Rows - p + b.Partitions - 1) / b.Partitions }

// each runs f for every partition, side by side.
func (b *bench) each(ctx context.Context, f func(ctx context.Context, p int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for p := range b.Partitions {
		g.Go(func() error { return f(ctx, p) })
	}
	return g.Wait()
}

// produce writes the rows to the topic.
func (b *bench) produce(ctx context.Context, topic string) error {
	producer, err := b.client.NewProducer(ctx, topic)
	if err != nil {
		return err
	}
	return b.each(ctx, func(ctx context.Context, p int) error {
		records, arena := make([]kafkasrc.Record, sendBatch), []byte(nil)
		for done, all := 0, b.count(p); done < all; {
			part := records[:min(sendBatch, all-done)]
			arena = b.shop.sales(part, arena, p+done*b.Partitions, b.Partitions, time.Now())
			if err := producer.Send(ctx, p, part); err != nil {
				return err
			}
			done += len(part)
		}
		return nil
	})
}

// bareCopy measures COPY of the rows, decoded before, on a connection for each partition and nothing else. The
// clock stands while the next records are made, for all rows together would fill the memory that is measured.
func (b *bench) bareCopy(ctx context.Context) (spent, error) {
	if err := b.fresh(ctx); err != nil {
		return spent{}, err
	}
	conns := make([]*pgx.Conn, b.Partitions)
	for p := range conns {
		c, err := pgx.ConnectConfig(ctx, b.db.Config().ConnConfig.Copy())
		if err != nil {
			return spent{}, err
		}
		defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
		conns[p] = c
	}
	var sum spent
	for done := 0; done < b.count(0); done += copyBatch * copyRun {
		records, err := b.decode(ctx, done, copyBatch*copyRun)
		if err != nil {
			return sum, err
		}
		watch := b.watch()
		err = b.each(ctx, func(ctx context.Context, p int) error {
			for _, rec := range records[p] {
				if _, err := pg.CopyRecord(ctx, conns[p].PgConn(), bareTable, rec); err != nil {
					return err
				}
			}
			return nil
		})
		sum.add(watch.stop())
		for _, part := range records {
			for _, rec := range part {
				rec.Release()
			}
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// copyRun is how many records each connection copies before the clock stands.
const copyRun = 4

// decode makes each partition's records of its rows from, from+1, ... as the stream would: from JSON. The caller
// releases them.
func (b *bench) decode(ctx context.Context, from, rows int) ([][]arrow.Record, error) {
	schema, err := b.shop.schema()
	if err != nil {
		return nil, err
	}
	out := make([][]arrow.Record, b.Partitions)
	return out, b.each(ctx, func(_ context.Context, p int) error {
		dec := schema.NewDecoder(memory.DefaultAllocator)
		defer dec.Release()
		var message []byte
		for i := from; i < min(from+rows, b.count(p)); i++ {
			message = b.shop.appendSale(message[:0], p+i*b.Partitions)
			if err := dec.Append(message); err != nil {
				return fmt.Errorf("decode %s: %w", message, err)
			}
			if dec.Len() == copyBatch {
				out[p] = append(out[p], dec.Seal())
			}
		}
		if dec.Len() > 0 {
			out[p] = append(out[p], dec.Seal())
		}
		return nil
	})
}

// insertRows measures the plain way: one INSERT a row, foreign keys checked by their triggers, a connection for each
// partition, a commit every thousand rows. It returns rows a second.
func (b *bench) insertRows(ctx context.Context) (float64, error) {
	if err := b.fresh(ctx); err != nil {
		return 0, err
	}
	params := "$1"
	for i := range len(b.shop.dimensions) + 3 {
		params += fmt.Sprintf(", $%d", i+2)
	}
	insert := "insert into " + rawTable + " values (" + params + ") on conflict do nothing"
	rows := min(b.Rows, insertMax)
	begun := time.Now()
	err := b.each(ctx, func(ctx context.Context, p int) error {
		for n := p; n < rows; {
			err := pgx.BeginFunc(ctx, b.db, func(tx pgx.Tx) error {
				for i := 0; i < insertTx && n < rows; i++ {
					if _, err := tx.Exec(ctx, insert, b.shop.values(n)...); err != nil {
						return err
					}
					n += b.Partitions
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return float64(rows) / time.Since(begun).Seconds(), err
}
