package pg_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connect takes a connection for the whole test.
func connect(t testing.TB) *pgx.Conn {
	t.Helper()
	c, err := pgtest.Open(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c.Conn()
}

func exec(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// texts gives the rows of a query as Postgres writes them.
func texts(t testing.TB, c *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := c.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// everyType is a table with a column for each type that CopyRecord writes.
const everyType = `(n bigint, i2 smallint, i4 integer, i8 bigint, f double precision, b boolean, s varchar, by bytea,
	d0 numeric, d2 numeric(38,2), d38 numeric, ts timestamp, tz timestamptz, day date)`

func everyTypeSchema() *arrow.Schema {
	us := &arrow.TimestampType{Unit: arrow.Microsecond}
	types := []struct {
		name string
		t    arrow.DataType
	}{
		{"n", arrow.PrimitiveTypes.Int64}, {"i2", arrow.PrimitiveTypes.Int16}, {"i4", arrow.PrimitiveTypes.Int32}, {"i8", arrow.PrimitiveTypes.Int64},
		{"f", arrow.PrimitiveTypes.Float64}, {"b", arrow.FixedWidthTypes.Boolean}, {"s", arrow.BinaryTypes.String}, {"by", arrow.BinaryTypes.Binary},
		{"d0", &arrow.Decimal128Type{Precision: 38}}, {"d2", &arrow.Decimal128Type{Precision: 38, Scale: 2}}, {"d38", &arrow.Decimal128Type{Precision: 38, Scale: 38}},
		{"ts", us}, {"tz", us}, {"day", arrow.FixedWidthTypes.Date32},
	}
	fields := make([]arrow.Field, len(types))
	for i, x := range types {
		fields[i] = arrow.Field{Name: x.name, Type: x.t, Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}

// row is what one row should be, as Postgres reads it from text; nil is null.
type row [14]*string

// everyTypeRecord makes n random rows, extreme ones among them, and what they are in text.
func everyTypeRecord(mem memory.Allocator, rng *rand.Rand, n int) (arrow.Record, []row) {
	b := array.NewRecordBuilder(mem, everyTypeSchema())
	defer b.Release()
	rows := make([]row, n)
	text := func(format string, args ...any) *string {
		s := fmt.Sprintf(format, args...)
		return &s
	}
	for i := range rows {
		r := &rows[i]
		for c := range r {
			field := b.Field(c)
			if c > 0 && rng.IntN(8) == 0 {
				field.AppendNull()
				continue
			}
			switch field := field.(type) {
			case *array.Int16Builder:
				v := pick(rng, int16(rng.Uint32()), 0, math.MinInt16, math.MaxInt16)
				field.Append(v)
				r[c] = text("%d", v)
			case *array.Int32Builder:
				v := pick(rng, int32(rng.Uint32()), 0, math.MinInt32, math.MaxInt32)
				field.Append(v)
				r[c] = text("%d", v)
			case *array.Int64Builder:
				v := pick(rng, int64(rng.Uint64()), 0, math.MinInt64, math.MaxInt64)
				if c == 0 {
					v = int64(i)
				}
				field.Append(v)
				r[c] = text("%d", v)
			case *array.Float64Builder:
				v := pick(rng, rng.NormFloat64(), 0, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1))
				field.Append(v)
				r[c] = text("%s", strings.TrimPrefix(fmt.Sprint(v), "+"))
			case *array.BooleanBuilder:
				v := rng.IntN(2) == 0
				field.Append(v)
				r[c] = text("%t", v)
			case *array.StringBuilder:
				v := pick(rng, strings.Repeat("x", rng.IntN(40)), "", "شاشة \\ \t\n\" '", strings.Repeat("long ", 30_000))
				field.Append(v)
				r[c] = &v
			case *array.BinaryBuilder:
				v := make([]byte, rng.IntN(20))
				for i := range v {
					v[i] = byte(rng.Uint32())
				}
				field.Append(v)
				r[c] = text("\\x%x", v)
			case *array.Decimal128Builder:
				v := randomDecimal(rng)
				field.Append(v)
				r[c] = text("%s", decimalText(v.BigInt(), int(field.Type().(*arrow.Decimal128Type).Scale)))
			case *array.TimestampBuilder:
				const year = 365_2425 * 864 * 100_000_0 / 1000 * 1000 // microseconds, near enough
				v := pick(rng, rng.Int64N(60*year)-10*year, 0, -1, 946_684_799_999_999, 946_684_800_000_000, -62_135_596_800_000_000, 253_402_300_799_999_999)
				field.Append(arrow.Timestamp(v))
				r[c] = text("%s", arrow.Timestamp(v).ToTime(arrow.Microsecond).Format("2006-01-02 15:04:05.999999"))
			case *array.Date32Builder:
				v := pick(rng, arrow.Date32(rng.IntN(40_000)-10_000), 0, -719_162, 2_932_896, 10_957)
				field.Append(v)
				r[c] = text("%s", v.ToTime().Format("2006-01-02"))
			}
		}
	}
	return b.NewRecord(), rows
}

// pick gives the first value mostly, and now and then one of the others.
func pick[T any](rng *rand.Rand, usual T, extremes ...T) T {
	if i := rng.IntN(3 * len(extremes)); i < len(extremes) {
		return extremes[i]
	}
	return usual
}

// randomDecimal gives integers of any length up to 38 digits.
func randomDecimal(rng *rand.Rand) decimal128.Num {
	digits := rng.IntN(39)
	s := ""
	for range digits {
		s += string(rune('0' + pick(rng, rng.IntN(10), 0, 9)))
	}
	v, _ := new(big.Int).SetString("0"+s, 10)
	if rng.IntN(2) == 0 {
		v.Neg(v)
	}
	return decimal128.FromBigInt(v)
}

// decimalText writes v * 10^-scale without going through this project's code.
func decimalText(v *big.Int, scale int) string {
	s := new(big.Int).Abs(v).String()
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	if scale > 0 {
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if v.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// The same rows through binary COPY and as text through pgx must be the same to Postgres, down to how they print.
func TestCopyRecordWritesWhatTextWrites(t *testing.T) {
	t.Parallel()
	c := connect(t)
	ctx := t.Context()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rec, rows := everyTypeRecord(mem, rand.New(rand.NewPCG(1, 2)), 1500)
	defer rec.Release()
	exec(t, c, "create temp table copied "+everyType)
	exec(t, c, "create temp table written "+everyType)
	n, err := pg.CopyRecord(ctx, c.PgConn(), "copied", rec)
	if err != nil || n != rec.NumRows() {
		t.Fatalf("%d rows, %v", n, err)
	}
	batch := &pgx.Batch{}
	for _, r := range rows {
		args := make([]any, len(r))
		for i := range r {
			args[i] = r[i]
		}
		batch.Queue(`insert into written values ($1::text::bigint, $2::text::smallint, $3::text::integer, $4::text::bigint, $5::text::float8, $6::text::boolean,
			$7::text, $8::text::bytea, $9::text::numeric, $10::text::numeric, $11::text::numeric, $12::text::timestamp, ($13::text || '+00')::timestamptz, $14::text::date)`, args...)
	}
	if err := c.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
	want := texts(t, c, "select w::text from written w order by n")
	got := texts(t, c, "select c::text from copied c order by n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ (-text +copy):\n%.3000s", diff)
	}
}

// A slice of a record shares its buffers at an offset.
func TestCopyRecordTakesSlices(t *testing.T) {
	t.Parallel()
	c := connect(t)
	rec, _ := everyTypeRecord(memory.DefaultAllocator, rand.New(rand.NewPCG(5, 6)), 300)
	defer rec.Release()
	exec(t, c, "create temp table whole "+everyType)
	exec(t, c, "create temp table part "+everyType)
	if _, err := pg.CopyRecord(t.Context(), c.PgConn(), "pg_temp.whole", rec); err != nil {
		t.Fatal(err)
	}
	slice := rec.NewSlice(77, 250)
	defer slice.Release()
	if n, err := pg.CopyRecord(t.Context(), c.PgConn(), "pg_temp.part", slice); err != nil || n != 173 {
		t.Fatalf("%d rows, %v", n, err)
	}
	empty := rec.NewSlice(5, 5)
	defer empty.Release()
	if n, err := pg.CopyRecord(t.Context(), c.PgConn(), "part", empty); err != nil || n != 0 {
		t.Fatalf("%d rows of none, %v", n, err)
	}
	want := texts(t, c, "select w::text from whole w where n >= 77 and n < 250 order by n")
	if diff := cmp.Diff(want, texts(t, c, "select p::text from part p order by n")); diff != "" {
		t.Errorf("rows differ (-whole +slice):\n%.3000s", diff)
	}
}

// Rows arrive in the order asked for, and only those.
func TestCopyRowsInAnyOrder(t *testing.T) {
	t.Parallel()
	c := connect(t)
	rng := rand.New(rand.NewPCG(7, 8))
	rec, _ := everyTypeRecord(memory.DefaultAllocator, rng, 400)
	defer rec.Release()
	slice := rec.NewSlice(50, 400)
	defer slice.Release()
	exec(t, c, "create temp table whole "+everyType)
	exec(t, c, "create temp table chosen (like whole, place bigserial)")
	if _, err := pg.CopyRecord(t.Context(), c.PgConn(), "whole", slice); err != nil {
		t.Fatal(err)
	}
	numbers := texts(t, c, "select w.n::text from whole w order by w.n")
	var order []int32
	var want []string
	for _, i := range rng.Perm(350)[:200] {
		order = append(order, int32(i))
		want = append(want, numbers[i])
	}
	if n, err := pg.CopyRows(t.Context(), c.PgConn(), "chosen", slice, order); err != nil || n != 200 {
		t.Fatalf("%d rows, %v", n, err)
	}
	if diff := cmp.Diff(want, texts(t, c, "select n::text from chosen order by place")); diff != "" {
		t.Errorf("the order differs (-want +got):\n%.3000s", diff)
	}
	if bad := texts(t, c, "select n::text from (select n, i2, i4, i8, f, b, s, by, d0, d2, d38, ts, tz, day from chosen except select * from whole) x"); len(bad) > 0 {
		t.Errorf("rows %v have other values", bad)
	}
	if n, err := pg.CopyRows(t.Context(), c.PgConn(), "chosen", slice, []int32{}); err != nil || n != 0 {
		t.Fatalf("%d rows of none, %v", n, err)
	}
}

// record makes a record of one column.
func record(t testing.TB, name string, dt arrow.DataType, add func(b array.Builder)) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: name, Type: dt, Nullable: true}}, nil))
	defer b.Release()
	add(b.Field(0))
	rec := b.NewRecord()
	t.Cleanup(rec.Release)
	return rec
}

// After an error the connection serves on, so that a duplicate can go another way in the same transaction.
func TestCopyRecordErrors(t *testing.T) {
	t.Parallel()
	c := connect(t)
	ctx := t.Context()
	exec(t, c, `create temp table "odd ""table""" ("an id" bigint primary key, at timestamp)`)
	ids := record(t, "an id", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil) })
	if _, err := pg.CopyRecord(ctx, c.PgConn(), `odd "table"`, ids); err != nil {
		t.Fatal(err)
	}
	us := &arrow.TimestampType{Unit: arrow.Microsecond}
	for _, tc := range []struct {
		name, want, code string
		rec              arrow.Record
	}{
		{"duplicate_key", "duplicate key", "23505", ids},
		{"type_too_short", "the types of columns [an id: type=int32, nullable] are not all those of the table", "08P01", record(t, "an id", arrow.PrimitiveTypes.Int32, func(b array.Builder) { b.(*array.Int32Builder).Append(9) })},
		{"type_too_long", "are not all those of the table", "22P03", record(t, "at", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("2025-01-01 00:00:00") })},
		{"no_such_column", `column "nope" of relation`, "42703", record(t, "nope", arrow.PrimitiveTypes.Int32, func(b array.Builder) { b.(*array.Int32Builder).Append(9) })},
		{"time_before_postgres", "row 1, column at: time", "57014", record(t, "at", us, func(b array.Builder) {
			b.(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{0, math.MinInt64 + 5}, nil)
		})},
		{"unsupported_type", "column x: no binary COPY for Arrow type uint8", "", record(t, "x", arrow.PrimitiveTypes.Uint8, func(b array.Builder) { b.(*array.Uint8Builder).Append(1) })},
		{"unsupported_unit", "only microseconds are supported", "", record(t, "x", &arrow.TimestampType{Unit: arrow.Second}, func(b array.Builder) { b.AppendNull() })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tx, err := c.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(ctx)
			exec(t, c, "savepoint s")
			_, err = pg.CopyRecord(ctx, c.PgConn(), `odd "table"`, tc.rec)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), `copy to odd "table": `) {
				t.Errorf("got %v", err)
			}
			var pe *pgconn.PgError
			if errors.As(err, &pe) && pe.Code != tc.code {
				t.Errorf("code %s, want %s", pe.Code, tc.code)
			}
			exec(t, c, "rollback to savepoint s")
			if got := texts(t, c, `select count(*)::text from "odd ""table"""`); got[0] != "3" {
				t.Errorf("%s rows", got[0])
			}
		})
	}
}

// saleRecord makes rows like those of table transactions, with ids from first on.
func saleRecord(first, n int) arrow.Record {
	rng := rand.New(rand.NewPCG(7, 8))
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "transaction_id", Type: arrow.PrimitiveTypes.Int64}, {Name: "product_id", Type: arrow.BinaryTypes.String},
		{Name: "store_id", Type: arrow.BinaryTypes.String}, {Name: "customer_id", Type: arrow.BinaryTypes.String},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}}, {Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	}, nil))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(first + i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("LAPTOP-%03d", rng.IntN(50)))
		b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("STORE-%03d", rng.IntN(20)))
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("CUST-%d", 1000+rng.IntN(9000)))
		b.Field(4).(*array.Decimal128Builder).Append(decimal128.FromI64(rng.Int64N(200_000)))
		b.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(1_735_689_600_000_000 + int64(i)*100_000))
	}
	return b.NewRecord()
}

// The same 50,000 rows as psql's \copy would send them, and from Arrow. The table is emptied before each, and has no
// index, so that the difference in the client and the protocol shows.
func BenchmarkCopy(b *testing.B) {
	c := connect(b)
	ctx := b.Context()
	exec(b, c, "create unlogged table plain (transaction_id bigint, product_id varchar, store_id varchar, customer_id varchar, amount numeric(12,2), ts timestamp)")
	rec := saleRecord(1, 50_000)
	defer rec.Release()
	var csv strings.Builder
	for i := range int(rec.NumRows()) {
		for j := range int(rec.NumCols()) {
			if j > 0 {
				csv.WriteByte(',')
			}
			csv.WriteString(rec.Column(j).ValueStr(i))
		}
		csv.WriteByte('\n')
	}
	for name, run := range map[string]func() error{
		"text": func() error {
			_, err := c.PgConn().CopyFrom(ctx, strings.NewReader(csv.String()), "copy plain from stdin (format csv)")
			return err
		},
		"arrow": func() error {
			_, err := pg.CopyRecord(ctx, c.PgConn(), "plain", rec)
			return err
		},
	} {
		b.Run("from="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				exec(b, c, "truncate plain")
				b.StartTimer()
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(rec.NumRows())/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
