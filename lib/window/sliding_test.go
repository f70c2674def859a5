package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"tillflow/lib/hll"
)

// A row can be late for one of its windows and not for a later one.
func TestClosedCountsTheWindowsARowIsLateFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		ts, size, step int64
		mark           int64
		want           int32
	}{
		{"no_watermark", 65, 60, 20, None, 0},
		{"on_time_for_all", 65, 60, 20, 79, 0},
		{"late_for_the_earliest", 65, 60, 20, 80, 1}, // [20,80) [40,100) [60,120)
		{"late_for_two", 65, 60, 20, 100, 2},
		{"one_is_still_open", 65, 60, 20, 119, 2},
		{"late_for_all", 65, 60, 20, 120, 3},
		{"long_ago", 65, 60, 20, 1 << 50, 3},
		{"no_slide", 65, 60, 60, 119, 0},
		{"no_slide_late", 65, 60, 60, 120, 1},
		{"before_the_epoch", -5, 60, 20, 0, 1}, // [-60,0) [-40,20) [-20,40)
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Closed(c.ts, c.size, c.step, c.mark); got != c.want {
				t.Errorf("Closed(%d, %d, %d, %d) = %d, want %d", c.ts, c.size, c.step, c.mark, got, c.want)
			}
		})
	}
}

func TestSlidingDeltas(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	d, err := NewDeltas(Spec{
		Size: time.Minute, Slide: 20 * time.Second, Time: "ts", By: []string{"product"},
		Totals: []Total{{"mean", Avg, "amount"}, {"heavy", Max, "weight"}, {"ids", Distinct, "store"}},
	}, salesSchema, mem)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("[window_start window_end product mean_sum mean_count heavy ids ids_sketch]", fmt.Sprint(names(d.Schema()))); diff != "" {
		t.Error(diff)
	}
	rec := record(mem, []sale{
		{1, "a", 7, 100, 5, 65_000_000}, // all three windows
		{2, "a", 8, 50, -1, 66_000_000}, // late for [20,80)
		{3, "a", 7, 1, 9, 85_000_000},   // all
		{4, "a", 9, 1000, 9, 1_000_000}, // late for all
	})
	d.AddOnTime(rec, nil, []int64{None, 80_000_000, 80_000_000, 100_000_000})
	rec.Release()
	got := d.Seal()
	defer got.Release()
	want := []string{
		"20 80 a 1 1 5 1",
		"40 100 a 1.51 3 9 2",
		"60 120 a 1.51 3 9 2",
		"80 140 a 0.01 1 9 1",
	}
	have := lines(got)
	for i := range have {
		have[i] = have[i][:len(have[i])-len(got.Column(7).ValueStr(i))-1]
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("deltas (-want +got):\n%s", diff)
	}
}

func names(s *arrow.Schema) []string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name)
	}
	return out
}

// Windows that slide do not depend on batches either. The reference puts every message into every window by looking
// at the whole log, and keeps exact sets.
func TestSlidingIgnoresBatching(t *testing.T) {
	t.Parallel()
	spec := Spec{
		Time: "ts", By: []string{"product"},
		Totals: []Total{{"n", Count, ""}, {"mean", Avg, "amount"}, {"last", Max, "id"}, {"cents", Distinct, "amount"}, {"stores", Distinct, "product"}},
	}
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 3))
		log := randomLog(rng)
		spec.Slide = []time.Duration{0, 30 * time.Second, 20 * time.Second, 4 * time.Second}[rng.IntN(4)]
		spec.Size = time.Minute
		include := rng.IntN(2) == 0
		want := slidingReference(log, spec, include)
		for range 2 {
			if diff := cmp.Diff(want, slidingInPieces(t, rng, log, spec, include)); diff != "" {
				t.Fatalf("log %d, slide %v: tables differ (-whole +pieces):\n%s", seed, spec.Slide, diff)
			}
		}
	}
}

// slidingRow is one window's totals.
type slidingRow struct {
	sum, count, values, last int64
	cents, products          hll.Sketch
}

func (r *slidingRow) text(start, size int64, product string) string {
	cents, _ := r.cents.MarshalBinary()
	products, _ := r.products.MarshalBinary()
	return fmt.Sprintf("%d %d %s n=%d sum=%d values=%d last=%d %x %x", start, start+size, product, r.count, r.sum, r.values, r.last, cents, products)
}

func slidingReference(log []message, spec Spec, include bool) []string {
	size, step := spec.Size.Microseconds(), spec.Step().Microseconds()
	type key struct {
		start   int64
		product string
	}
	windows := map[key][]sale{}
	for i, m := range log {
		mark, known := int64(0), false
		for _, before := range log[:i] {
			if before.partition == m.partition && before.ts <= before.broker+60*minute && (!known || before.ts-5*minute > mark) {
				mark, known = before.ts-5*minute, true
			}
		}
		for start := (m.ts-size)/step*step - step; start <= m.ts; start += step {
			if m.ts < start+size && (include || !known || start+size > mark) {
				k := key{start, m.product}
				windows[k] = append(windows[k], m.sale)
			}
		}
	}
	var out []string
	for k, sales := range windows {
		var r slidingRow
		for i, s := range sales {
			r.sum, r.count, r.values = r.sum+s.cents, r.count+1, r.values+1
			if i == 0 || s.id > r.last {
				r.last = s.id
			}
			r.cents.Add(hll.Int64(int64(uint64(s.cents) ^ hll.Int64(s.cents>>63))))
			r.products.Add(hll.Text(s.product))
		}
		out = append(out, r.text(k.start, size, k.product))
	}
	slices.Sort(out)
	return out
}

func slidingInPieces(t *testing.T, rng *rand.Rand, log []message, spec Spec, include bool) []string {
	t.Helper()
	size := spec.Size.Microseconds()
	var trackers [3]*Tracker
	var byPartition [3][]message
	for p := range trackers {
		trackers[p] = NewTracker(5*time.Minute, time.Hour)
	}
	for _, m := range log {
		byPartition[m.partition] = append(byPartition[m.partition], m)
	}
	d, err := NewDeltas(spec, salesSchema, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		start   int64
		product string
	}
	table := map[key]*slidingRow{}
	for len(byPartition[0])+len(byPartition[1])+len(byPartition[2]) > 0 {
		p := rng.IntN(3)
		n := min(len(byPartition[p]), rng.IntN(12))
		batch := byPartition[p][:n]
		byPartition[p] = byPartition[p][n:]
		marks, sales := make([]int64, n), make([]sale, n)
		for i, m := range batch {
			marks[i], sales[i] = trackers[p].Observe(m.ts, m.broker), m.sale
		}
		rec := record(memory.DefaultAllocator, sales)
		if include {
			d.Add(rec, nil)
		} else {
			d.AddOnTime(rec, nil, marks)
		}
		rec.Release()
		if rng.IntN(3) > 0 && len(byPartition[0])+len(byPartition[1])+len(byPartition[2]) > 0 {
			continue
		}
		deltas := d.Seal()
		for i := range int(deltas.NumRows()) {
			k := key{int64(deltas.Column(0).(*array.Timestamp).Value(i)), deltas.Column(2).ValueStr(i)}
			row := table[k]
			if row == nil {
				row = &slidingRow{last: -1}
				table[k] = row
			}
			row.count += deltas.Column(3).(*array.Int64).Value(i)
			row.sum += int64(deltas.Column(4).(*array.Decimal128).Value(i).LowBits())
			row.values += deltas.Column(5).(*array.Int64).Value(i)
			row.last = max(row.last, deltas.Column(6).(*array.Int64).Value(i))
			for c, into := range map[int]*hll.Sketch{8: &row.cents, 10: &row.products} {
				var s hll.Sketch
				if err := s.UnmarshalBinary(deltas.Column(c).(*array.Binary).Value(i)); err != nil {
					t.Fatal(err)
				}
				if e := deltas.Column(c - 1).(*array.Int64).Value(i); e != s.Estimate() {
					t.Fatalf("the estimate is %d, its sketch says %d", e, s.Estimate())
				}
				into.Merge(&s)
			}
		}
		deltas.Release()
	}
	var out []string
	for k, r := range table {
		out = append(out, r.text(k.start, size, k.product))
	}
	slices.Sort(out)
	return out
}

// Every type of field has distinct values, and equal ones count once.
func TestDistinctOfEveryType(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}}, {Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean}, {Name: "ts", Type: us},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 6 {
		if i == 5 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.Int64Builder).Append(int64(i % 4))
		}
		b.Field(1).(*array.Float64Builder).Append([]float64{0, math.Copysign(0, -1), 1.5, 1.5, -1.5, 0}[i])
		b.Field(2).(*array.Decimal128Builder).Append(decimal128.New(int64(i%3), 7))
		b.Field(3).(*array.StringBuilder).Append([]string{"", "a", "b", "a", "A", ""}[i])
		b.Field(4).(*array.BooleanBuilder).Append(i%2 == 0)
		b.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(i % 5))
	}
	rec := b.NewRecord()
	defer rec.Release()
	spec := Spec{Size: time.Minute, Time: "ts"}
	for _, f := range schema.Fields() {
		spec.Totals = append(spec.Totals, Total{f.Name + "_n", Distinct, f.Name})
	}
	d, err := NewDeltas(spec, schema, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	d.Add(rec, nil)
	out := d.Seal()
	defer out.Release()
	for i, want := range []int64{4, 3, 3, 4, 2, 5} {
		if got := out.Column(2 + 2*i).(*array.Int64).Value(0); got != want {
			t.Errorf("%s: %d distinct values, want %d", schema.Field(i).Name, got, want)
		}
	}
}
