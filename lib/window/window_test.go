package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

var us = &arrow.TimestampType{Unit: arrow.Microsecond}

var salesSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "product", Type: arrow.BinaryTypes.String},
	{Name: "store", Type: arrow.PrimitiveTypes.Int64},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
	{Name: "weight", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "ts", Type: us},
}, nil)

type sale struct {
	id      int64
	product string
	store   int64
	cents   int64
	weight  float64 // below zero is null
	ts      int64   // microseconds
}

func record(mem memory.Allocator, sales []sale) arrow.Record {
	b := array.NewRecordBuilder(mem, salesSchema)
	defer b.Release()
	for _, s := range sales {
		b.Field(0).(*array.Int64Builder).Append(s.id)
		b.Field(1).(*array.StringBuilder).Append(s.product)
		b.Field(2).(*array.Int64Builder).Append(s.store)
		b.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(s.cents))
		if s.weight < 0 {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.Float64Builder).Append(s.weight)
		}
		b.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(s.ts))
	}
	return b.NewRecord()
}

// lines is a record as text, a line for each row.
func lines(rec arrow.Record) []string {
	out := make([]string, rec.NumRows())
	for i := range out {
		var cells []string
		for _, c := range rec.Columns() {
			switch {
			case c.IsNull(i):
				cells = append(cells, "null")
			case c.DataType().ID() == arrow.TIMESTAMP:
				cells = append(cells, fmt.Sprint(int64(c.(*array.Timestamp).Value(i))/1e6))
			default:
				cells = append(cells, c.ValueStr(i))
			}
		}
		out[i] = strings.Join(cells, " ")
	}
	return out
}

const minute = int64(60_000_000)

func TestStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		ts, size, want int64
	}{
		{"on_the_edge", 120, 60, 120},
		{"last_moment", 179, 60, 120},
		{"epoch", 0, 60, 0},
		{"before_the_epoch_rounds_down", -1, 60, -60},
		{"before_the_epoch_on_the_edge", -60, 60, -60},
		{"odd_size", 100, 7, 98},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Start(c.ts, c.size); got != c.want {
				t.Errorf("Start(%d, %d) = %d, want %d", c.ts, c.size, got, c.want)
			}
		})
	}
}

func TestEveryEventIsInExactlyOneWindow(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		ts, size := rng.Int64N(1<<60)-1<<59, 1+rng.Int64N(1<<40)
		s := Start(ts, size)
		if ts < s || ts >= s+size || s%size != 0 {
			t.Fatalf("Start(%d, %d) = %d", ts, size, s)
		}
	}
}

func TestParseTotal(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"sum(amount)":  "{x sum amount}",
		" count( ) ":   "{x count }",
		"min(a)":       "{x min a}",
		"max(a)":       "{x max a}",
		"avg(a)":       "{x avg a}",
		"avg()":        "needs a field",
		"median(a)":    "keep count(), sum(), min(), max(), avg() and approx_distinct() only",
		"count(a)":     "takes no field",
		"sum()":        "needs a field",
		"sum(a) + 1":   "not of the form",
		"amount":       "not of the form",
		"sum(min(a))":  "not of the form",
		"last(amount)": "keep count()",
		"sum(a, b)":    "not of the form",
		"approx_d(a)":  "keep count()",

		"approx_distinct(a)": "{x approx_distinct a}",
		"approx_distinct()":  "needs a field",
		"sum(  amount)":      "{x sum amount}",
	} {
		total, err := ParseTotal("x", expr)
		got := fmt.Sprint(total)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("ParseTotal(%q) gives %q, want %q", expr, got, want)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"size", Spec{Size: 1, Time: "ts"}, "whole number of microseconds"},
		{"time_that_is_none", Spec{Size: time.Minute, Time: "id"}, "event time is a timestamp"},
		{"unknown_by", Spec{Size: time.Minute, Time: "ts", By: []string{"shop"}}, `no column "shop"`},
		{"by_a_float", Spec{Size: time.Minute, Time: "ts", By: []string{"weight"}}, "strings, int64 and bools"},
		{"sum_of_text", Spec{Size: time.Minute, Time: "ts", Totals: []Total{{"x", Sum, "product"}}}, "the field is string"},
		{"sum_of_float", Spec{Size: time.Minute, Time: "ts", Totals: []Total{{"x", Sum, "weight"}}}, "depends on the order"},
		{"avg_of_float", Spec{Size: time.Minute, Time: "ts", Totals: []Total{{"x", Avg, "weight"}}}, "avg(weight): the sum of a float64 depends on the order"},
		{"avg_of_text", Spec{Size: time.Minute, Time: "ts", Totals: []Total{{"x", Avg, "product"}}}, "avg(product): the field is string"},
		{"slide_that_does_not_divide", Spec{Size: time.Minute, Slide: 7 * time.Second, Time: "ts"}, "slide of 7s: it must divide the window of 1m0s"},
		{"slide_longer_than_the_window", Spec{Size: time.Minute, Slide: 2 * time.Minute, Time: "ts"}, "must divide"},
		{"slide_below_zero", Spec{Size: time.Minute, Slide: -time.Second, Time: "ts"}, "must divide"},
		{"slide_too_fine", Spec{Size: time.Hour, Slide: time.Second, Time: "ts"}, "each row would fall in 3600 windows of 1h0m0s, at most 1440 are allowed"},
		{"max_of_text", Spec{Size: time.Minute, Time: "ts", Totals: []Total{{"x", Max, "product"}}}, "only numbers and times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewDeltas(c.spec, salesSchema, memory.DefaultAllocator)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestWatermarkMovesByMessage(t *testing.T) {
	t.Parallel()
	const hour = int64(time.Hour / time.Microsecond)
	tr := NewTracker(5*time.Minute, time.Hour)
	for i, c := range []struct {
		ts, broker, want int64
		far              bool
	}{
		{10 * minute, 10 * minute, None, false},              // the first is judged by nothing
		{30 * minute, 30 * minute, 5 * minute, false},        // by the first less the delay, and moves it
		{20 * minute, 31 * minute, 25 * minute, false},       // an old one moves nothing
		{25*minute + 2*hour, 25 * minute, 25 * minute, true}, // too far ahead: moves nothing
		{90 * minute, 30 * minute, 25 * minute, false},       // an hour ahead is allowed
		{90*minute + 1, -1, 85 * minute, false},              // a log without times: trusted
		{0, 0, 85*minute + 1, false},
	} {
		if far := tr.FarFuture(c.ts, c.broker); far != c.far {
			t.Errorf("message %d: far future %v, want %v", i, far, c.far)
		}
		if got := tr.Observe(c.ts, c.broker); got != c.want {
			t.Errorf("message %d: watermark %d, want %d", i, got, c.want)
		}
	}
}

func TestLateness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		ts, mark int64
		want     bool
	}{
		{"no_watermark_yet", -1 << 62, None, false},
		{"window_ends_at_the_watermark", 59, 60, true},
		{"window_ends_after_it", 60, 119, false},
		{"first_moment_of_a_closed_window", 60, 120, true},
		{"older_than_the_watermark_in_an_open_window", 61, 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Late(c.ts, 60, c.mark); got != c.want {
				t.Errorf("Late(%d, 60, %d) = %v, want %v", c.ts, c.mark, got, c.want)
			}
		})
	}
}

var everything = Spec{
	Size: time.Minute, Time: "ts", By: []string{"product", "store"},
	Totals: []Total{{"revenue", Sum, "amount"}, {"ids", Sum, "id"}, {"n", Count, ""}, {"low", Min, "amount"}, {"high", Max, "amount"},
		{"light", Min, "weight"}, {"heavy", Max, "weight"}, {"first", Min, "ts"}, {"last", Max, "id"}},
}

func TestDeltas(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	d, err := NewDeltas(everything, salesSchema, mem)
	if err != nil {
		t.Fatal(err)
	}
	rec := record(mem, []sale{
		{1, "b", 2, 150, -1, 61_000_000},
		{2, "a", 2, -50, 2.5, 5_000_000},
		{3, "b", 2, 100, -1, 119_000_000},
		{4, "a", 1, 1, 1, 59_000_000},
		{5, "a", 2, 70, 0.5, 4_000_000},
		{6, "a", 2, 1000, 9, 6_000_000}, // not kept
	})
	d.Add(rec, []bool{true, true, true, true, true, false})
	rec.Release()
	got := d.Seal()
	defer got.Release()
	want := []string{
		"0 60 a 1 0.01 4 1 0.01 0.01 1 1 59 4",
		"0 60 a 2 0.2 7 2 -0.5 0.7 0.5 2.5 4 5",
		"60 120 b 2 2.5 4 2 1 1.5 null null 61 3",
	}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("deltas (-want +got):\n%s", diff)
	}
	again := d.Seal()
	defer again.Release()
	if again.NumRows() != 0 {
		t.Errorf("sealed deltas still hold %v", lines(again))
	}
}

// How a log is cut into batches, and where one worker takes over from another, must show neither in what is late nor in
// the windows. The reference looks at the whole log, one message at a time, and shares nothing with the package.
func TestAggregateIgnoresBatching(t *testing.T) {
	t.Parallel()
	const logs = 2000
	for seed := range uint64(logs) {
		rng := rand.New(rand.NewPCG(seed, 2))
		log := randomLog(rng)
		include := rng.IntN(2) == 0
		want := reference(log, include)
		for range 2 {
			if diff := cmp.Diff(want, inPieces(t, rng, log, include)); diff != "" {
				t.Fatalf("log %d: tables differ (-whole +pieces):\n%s", seed, diff)
			}
		}
	}
}

type message struct {
	sale
	partition int
	broker    int64
}

func randomLog(rng *rand.Rand) []message {
	step := 1 + rng.Int64N(40_000_000)
	log := make([]message, 1+rng.IntN(60))
	for i := range log {
		at := int64(i)*step - rng.Int64N(3*minute)
		if rng.IntN(10) == 0 {
			at -= rng.Int64N(60 * minute)
		}
		if rng.IntN(30) == 0 {
			at += rng.Int64N(240 * minute)
		}
		log[i] = message{
			sale: sale{
				id: int64(i), product: fmt.Sprint("p", rng.IntN(3)), store: rng.Int64N(2),
				cents: rng.Int64N(2000) - 500, weight: float64(rng.IntN(5) - 1), ts: at,
			},
			partition: rng.IntN(3),
			broker:    int64(i) * step,
		}
	}
	return log
}

// reference gives the windows, and the ids of the late.
func reference(log []message, include bool) []string {
	type key struct {
		start   int64
		product string
		store   int64
	}
	windows := map[key][]sale{}
	var out []string
	for i, m := range log {
		mark, known := int64(0), false
		for _, before := range log[:i] {
			if before.partition == m.partition && before.ts <= before.broker+60*minute && (!known || before.ts-5*minute > mark) {
				mark, known = before.ts-5*minute, true
			}
		}
		start := m.ts - (m.ts%minute+minute)%minute
		late := known && start+minute <= mark
		if late {
			out = append(out, fmt.Sprintf("late %d %d", m.id, mark))
		}
		if !late || include {
			k := key{start, m.product, m.store}
			windows[k] = append(windows[k], m.sale)
		}
	}
	for k, sales := range windows {
		sum, ids, low, high, first, last := int64(0), int64(0), sales[0].cents, sales[0].cents, sales[0].ts, sales[0].id
		light, heavy := "null", "null"
		var weights []float64
		for _, s := range sales {
			sum, ids = sum+s.cents, ids+s.id
			low, high, first, last = min(low, s.cents), max(high, s.cents), min(first, s.ts), max(last, s.id)
			if s.weight >= 0 {
				weights = append(weights, s.weight)
			}
		}
		if len(weights) > 0 {
			light, heavy = fmt.Sprint(slices.Min(weights)), fmt.Sprint(slices.Max(weights))
		}
		out = append(out, fmt.Sprint(k.start/1e6, " ", k.start/1e6+60, " ", k.product, " ", k.store, " ", sum, " ", ids, " ", len(sales),
			" ", low, " ", high, " ", light, " ", heavy, " ", first, " ", last))
	}
	slices.Sort(out)
	return out
}

// inPieces does the same with the package: batches of random size, and now and then a worker that knows only what the
// one before has stored.
func inPieces(t *testing.T, rng *rand.Rand, log []message, include bool) []string {
	t.Helper()
	mem := memory.DefaultAllocator
	type totals struct {
		sum, ids, n, low, high, first, last int64
		light, heavy                        *float64
	}
	table := map[string]*totals{}
	var out []string
	trackers := []*Tracker{NewTracker(5*time.Minute, time.Hour), NewTracker(5*time.Minute, time.Hour), NewTracker(5*time.Minute, time.Hour)}
	byPartition := make([][]message, 3)
	for _, m := range log {
		byPartition[m.partition] = append(byPartition[m.partition], m)
	}
	newDeltas := func() *Deltas {
		d, err := NewDeltas(everything, salesSchema, mem)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := newDeltas()
	for len(byPartition[0])+len(byPartition[1])+len(byPartition[2]) > 0 {
		p := rng.IntN(3)
		n := min(len(byPartition[p]), rng.IntN(12))
		batch := byPartition[p][:n]
		byPartition[p] = byPartition[p][n:]
		if rng.IntN(4) == 0 {
			max, ok := trackers[p].Max()
			trackers[p] = NewTracker(5*time.Minute, time.Hour)
			trackers[p].Restore(max, ok)
			d = newDeltas()
		}
		keep, sales := make([]bool, n), make([]sale, n)
		for i, m := range batch {
			mark := trackers[p].Observe(m.ts, m.broker)
			late := Late(m.ts, minute, mark)
			if late {
				out = append(out, fmt.Sprintf("late %d %d", m.id, mark))
			}
			keep[i], sales[i] = !late || include, m.sale
		}
		rec := record(mem, sales)
		d.Add(rec, keep)
		rec.Release()
		deltas := d.Seal()
		for i := range int(deltas.NumRows()) {
			num := func(c int) int64 { return int64(deltas.Column(c).(*array.Decimal128).Value(i).LowBits()) }
			key := fmt.Sprint(int64(deltas.Column(0).(*array.Timestamp).Value(i))/1e6, " ", int64(deltas.Column(1).(*array.Timestamp).Value(i))/1e6,
				" ", deltas.Column(2).ValueStr(i), " ", deltas.Column(3).ValueStr(i))
			var weights [2]*float64
			for k := range 2 {
				if c := deltas.Column(9 + k).(*array.Float64); c.IsValid(i) {
					v := c.Value(i)
					weights[k] = &v
				}
			}
			delta := totals{num(4), num(5), deltas.Column(6).(*array.Int64).Value(i), num(7), num(8),
				int64(deltas.Column(11).(*array.Timestamp).Value(i)), deltas.Column(12).(*array.Int64).Value(i), weights[0], weights[1]}
			row := table[key]
			if row == nil {
				table[key] = &delta
				continue
			}
			row.sum, row.ids, row.n = row.sum+delta.sum, row.ids+delta.ids, row.n+delta.n
			row.low, row.high, row.first, row.last = min(row.low, delta.low), max(row.high, delta.high), min(row.first, delta.first), max(row.last, delta.last)
			if row.light == nil || delta.light != nil && *delta.light < *row.light {
				row.light = delta.light
			}
			if row.heavy == nil || delta.heavy != nil && *delta.heavy > *row.heavy {
				row.heavy = delta.heavy
			}
		}
		deltas.Release()
	}
	text := func(v *float64) string {
		if v == nil {
			return "null"
		}
		return fmt.Sprint(*v)
	}
	for key, r := range table {
		out = append(out, fmt.Sprint(key, " ", r.sum, " ", r.ids, " ", r.n, " ", r.low, " ", r.high, " ", text(r.light), " ", text(r.heavy), " ", r.first, " ", r.last))
	}
	slices.Sort(out)
	return out
}

func BenchmarkDeltas(b *testing.B) {
	const rows = 50_000
	mem := memory.DefaultAllocator
	sales := make([]sale, rows)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range sales {
		sales[i] = sale{id: int64(i), product: fmt.Sprint("LAPTOP-", rng.IntN(50)), cents: rng.Int64N(100_000), ts: int64(i) * 20_000}
	}
	rec := record(mem, sales)
	defer rec.Release()
	d, err := NewDeltas(Spec{Size: time.Minute, Time: "ts", By: []string{"product"}, Totals: []Total{{"revenue", Sum, "amount"}, {"n", Count, ""}}}, salesSchema, mem)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Add(rec, nil)
		d.Seal().Release()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
