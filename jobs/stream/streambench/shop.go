package streambench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/jobs/stream"
	"tillflow/lib/event"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/strictyaml"
)

// The names of what the bench makes.
const (
	topic       = "bench"
	rawTable    = "bench_sales"
	windowTable = "bench_minutes"
	bareTable   = "bench_copy" // like rawTable, without foreign keys
)

// shop makes the sales that are measured: the retail schema, with as many dimensions as asked for.
type shop struct {
	random     bool
	dimensions []string // fields; the table of each is bench_ and its name
	keys       int
	apart      time.Duration // in event time, from one sale to the next
}

func newShop(c Config) *shop {
	s := &shop{random: c.Random, keys: c.Keys, apart: time.Second / time.Duration(c.PerSecond)}
	for i := range c.Dimensions {
		name := fmt.Sprintf("dimension%d_id", i+1)
		if retail := []string{"product_id", "store_id"}; i < len(retail) {
			name = retail[i]
		}
		s.dimensions = append(s.dimensions, name)
	}
	return s
}

func (s *shop) order() string {
	if s.random {
		return "random"
	}
	return "sequential"
}

// settings declares the stream as a dagfile would.
func (s *shop) settings(partitions int) (stream.With, error) {
	var y strings.Builder
	fmt.Fprintf(&y, "topic: %s\npartitions: %d\nwatermark: 5m\nfields:\n  transaction_id: { type: int64 }\n", topic, partitions)
	by := "customer_id"
	for i, d := range s.dimensions {
		if i == 0 {
			by = d
		}
		fmt.Fprintf(&y, "  %s: { type: string, references: bench_%[1]s.%[1]s }\n", d)
	}
	y.WriteString("  customer_id: { type: string }\n  amount: { type: \"decimal(12,2)\" }\n  timestamp: { type: timestamp, column: ts, event_time: true }\n")
	fmt.Fprintf(&y, "sinks:\n  %s: { append: all, key: [transaction_id, ts] }\n", rawTable)
	fmt.Fprintf(&y, "  %s: { window: 1m, by: [%s], totals: { revenue: sum(amount), sales: count() } }\n", windowTable, by)
	var w stream.With
	var errs []error
	for _, p := range strictyaml.Decode("bench", []byte(y.String()), 0, &w) {
		errs = append(errs, errors.New(p.String()))
	}
	return w, errors.Join(errs...)
}

// schema is the same declaration for the ways that do without the stream.
func (s *shop) schema() (*event.Schema, error) {
	fields := []event.Field{{Name: "transaction_id", Type: event.Type{Kind: event.Int64}}}
	for _, d := range s.dimensions {
		fields = append(fields, event.Field{Name: d, Type: event.Type{Kind: event.String}})
	}
	return event.NewSchema(append(fields,
		event.Field{Name: "customer_id", Type: event.Type{Kind: event.String}},
		event.Field{Name: "amount", Type: event.Type{Kind: event.Decimal, Precision: 12, Scale: 2}},
		event.Field{Name: "timestamp", Type: event.Type{Kind: event.Timestamp}, Column: "ts", EventTime: true}))
}

func (s *shop) makeDimensions(ctx context.Context, db *pgxpool.Pool) error {
	for _, d := range s.dimensions {
		_, err := db.Exec(ctx, fmt.Sprintf("create table bench_%[1]s (%[1]s varchar primary key)", d))
		if err == nil {
			_, err = db.Exec(ctx, fmt.Sprintf("insert into bench_%s select 'K' || lpad(i::text, 5, '0') from generate_series(0, $1 - 1) i", d), s.keys)
		}
		if err != nil {
			return fmt.Errorf("make dimension %s: %w", d, err)
		}
	}
	return nil
}

// opening is the time of the first sale.
var opening = time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)

// id of sale n. Multiplying by an odd number modulo 2^59 meets every number once, in no order.
func (s *shop) id(n int) int64 {
	if s.random {
		return int64(uint64(n) * 0x9E3779B97F4A7C15 & (1<<59 - 1))
	}
	return int64(n)
}

// key is the value sale n has in dimension i.
func (s *shop) key(n, i int) int { return (n + n/7*i) % s.keys }

// at is the time of sale n, to the second.
func (s *shop) at(n int) time.Time {
	return opening.Add(time.Duration(n) * s.apart).Truncate(time.Second)
}

// appendSale writes sale n as a message of about 150 bytes.
func (s *shop) appendSale(b []byte, n int) []byte {
	b = append(b, `{"transaction_id":`...)
	b = strconv.AppendInt(b, s.id(n), 10)
	for i, d := range s.dimensions {
		b = append(append(append(b, `,"`...), d...), `":"K`...)
		b = append(appendDigits(b, s.key(n, i), 5), '"')
	}
	b = appendDigits(append(b, `,"customer_id":"CUST-`...), n*7919%20_000, 5)
	b = strconv.AppendInt(append(b, `","amount":`...), int64(n%900+1), 10)
	b = appendDigits(append(b, '.'), n%100, 2)
	b = append(b, `,"timestamp":"`...)
	b = s.at(n).AppendFormat(b, time.DateTime)
	return append(b, `"}`...)
}

// values are the columns of sale n.
func (s *shop) values(n int) []any {
	v := []any{s.id(n)}
	for i := range s.dimensions {
		v = append(v, fmt.Sprintf("K%05d", s.key(n, i)))
	}
	return append(v, fmt.Sprintf("CUST-%05d", n*7919%20_000), fmt.Sprintf("%d.%02d", n%900+1, n%100), s.at(n))
}

func appendDigits(b []byte, v, width int) []byte {
	at := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := at + width - 1; i >= at && v > 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}

// sales fills records with sales from, from+step, ...; their bytes live in arena, which is returned for the next call.
func (s *shop) sales(records []kafkasrc.Record, arena []byte, from, step int, now time.Time) []byte {
	arena = arena[:0]
	for i := range records {
		start := len(arena)
		arena = s.appendSale(arena, from+i*step)
		records[i] = kafkasrc.Record{Value: arena[start:len(arena):len(arena)], TimeMs: now.UnixMilli()}
	}
	return arena
}
