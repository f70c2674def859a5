package stream

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pg"
)

// The whole way from the broker to committed rows, windows and ledger, beside a bare COPY of the same rows into an equal
// table, the limit: as many connections, same batches, nothing else. With rollups the time is until they have taken up all.
func BenchmarkStream(b *testing.B) {
	for _, c := range []struct {
		rows, partitions int
		sinks, settings  string
	}{{400_000, 1, "windows", sales}, {400_000, 2, "windows", sales}, {400_000, 2, "rollups", kept}} {
		b.Run(fmt.Sprintf("rows=%d/partitions=%d/%s", c.rows, c.partitions, c.sinks), func(b *testing.B) {
			r := newRig(b, c.partitions, c.settings)
			r.dims(50, 20)
			logs := make([][]string, c.partitions)
			for i := range c.rows {
				p := i % c.partitions
				logs[p] = append(logs[p], benchSale(i))
			}
			r.exec("create table bare (like transactions including constraints including indexes)")
			r.exec("drop index bare_ts_idx") // not a part of the limit
			records := make([][]arrow.Record, c.partitions)
			for p, values := range logs {
				r.sendMany(p, values)
				records[p] = decodeAll(b, r, values)
			}
			logs = nil
			runtime.GC()
			var bare, stream time.Duration
			for range b.N {
				r.exec("truncate bare")
				bare += copyAll(b, r, records)
				r.exec("truncate transactions, product_metrics_minute, dag.stream_offsets, dag.stream_batches")
				r.emptyRollups()
				j := r.job("bench", func(_ *With, d *Deps) { d.RollupEvery = defaultRollupEvery })
				begun := time.Now()
				res, err := j.Run(b.Context(), run.Input{Once: true})
				stream += time.Since(begun)
				if err != nil || res.RowsWritten != int64(c.rows) {
					b.Fatalf("%+v %v", res, err)
				}
			}
			rate := float64(c.rows*b.N) / stream.Seconds()
			limit := float64(c.rows*b.N) / bare.Seconds()
			b.ReportMetric(rate, "rows/s")
			b.ReportMetric(limit, "copy-rows/s")
			b.ReportMetric(rate/limit, "ratio")
			for _, rs := range records {
				for _, rec := range rs {
					rec.Release()
				}
			}
		})
	}
}

// benchSale is sale n of a busy shop: sequential ids, 50 products, 20 stores, 1500 sales a minute.
func benchSale(n int) string {
	return fmt.Sprintf(`{"transaction_id":%d,"product_id":"P%d","store_id":"S%d","customer_id":"CUST-%05d","amount":%d.%02d,"timestamp":"%s"}`,
		n, n%50, n%20, n*7919%20_000, n%900+1, n%100, day.Add(time.Duration(n)*40*time.Millisecond).Format("2006-01-02 15:04:05"))
}

func (r *rig) sendMany(partition int, values []string) {
	r.t.Helper()
	p, err := r.client.NewProducer(r.t.Context(), r.with.Topic)
	if err != nil {
		r.t.Fatal(err)
	}
	msgs := make([]kafkasrc.Record, len(values))
	for i, v := range values {
		msgs[i] = kafkasrc.Record{Value: []byte(v), TimeMs: time.Now().UnixMilli()}
	}
	if err := p.Send(r.t.Context(), partition, msgs); err != nil {
		r.t.Fatal(err)
	}
}

func decodeAll(b *testing.B, r *rig, values []string) []arrow.Record {
	b.Helper()
	s, err := newSinks(r.with.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	d := s.schema.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	var out []arrow.Record
	for i, v := range values {
		if err := d.Append([]byte(v)); err != nil {
			b.Fatal(err)
		}
		if (i+1)%defaultBatch == 0 {
			out = append(out, d.Seal())
		}
	}
	return append(out, d.Seal())
}

// copyAll copies each partition's records on a connection of its own, a transaction for each record.
func copyAll(b *testing.B, r *rig, records [][]arrow.Record) time.Duration {
	b.Helper()
	conns := make([]*pgx.Conn, len(records))
	for i := range conns {
		c, err := pgx.ConnectConfig(b.Context(), r.db.Config().ConnConfig.Copy())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = c.Close(b.Context()) }()
		conns[i] = c
	}
	begun := time.Now()
	var wg sync.WaitGroup
	for i, rs := range records {
		wg.Go(func() {
			for _, rec := range rs {
				if _, err := pg.CopyRecord(b.Context(), conns[i].PgConn(), "bare", rec); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}
