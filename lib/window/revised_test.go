package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// By how many late rows a window was revised depends on the log alone, like the window itself. The reference tries every
// window there is for every row.
func TestRevisionsIgnoreBatching(t *testing.T) {
	t.Parallel()
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer checked.AssertSize(t, 0)
	some := 0
	for seed := range uint64(1000) {
		mem := memory.DefaultAllocator
		if seed < 20 { // it is slow
			mem = checked
		}
		rng := rand.New(rand.NewPCG(seed, 4))
		log := randomLog(rng)
		spec := Spec{Time: "ts", Size: time.Minute, Slide: []time.Duration{0, time.Minute, 30 * time.Second, 20 * time.Second, 4 * time.Second}[rng.IntN(5)]}
		spec.By = [][]string{nil, {"product"}, {"store", "product"}}[rng.IntN(3)]
		spec.Totals = []Total{{"n", Count, ""}}
		sales, keep, marks := make([]sale, len(log)), make([]bool, len(log)), make([]int64, len(log))
		trackers := map[int]*Tracker{}
		for i, m := range log {
			if trackers[m.partition] == nil {
				trackers[m.partition] = NewTracker(5*time.Minute, time.Hour)
			}
			sales[i], keep[i], marks[i] = m.sale, rng.IntN(5) > 0, trackers[m.partition].Observe(m.ts, m.broker)
		}
		want := map[string]int64{}
		for i, s := range sales {
			step, size := spec.Step().Microseconds(), spec.Size.Microseconds()
			for start := Start(s.ts, step) - size; start <= s.ts; start += step {
				if keep[i] && s.ts >= start && s.ts < start+size && marks[i] != None && start+size <= marks[i] {
					want[revisedKey(spec, start, s.product, s.store)]++
				}
			}
		}
		r, err := NewRevisions(spec, record(memory.DefaultAllocator, nil).Schema(), mem)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for from := 0; from < len(log); {
			to := min(len(log), from+1+rng.IntN(20))
			rec := record(mem, sales[from:to])
			r.Add(rec, keep[from:to], marks[from:to])
			rec.Release()
			from = to
			if rng.IntN(2) == 0 || from == len(log) {
				n := r.Len()
				out := r.Seal()
				if lines := addRevised(got, out, spec); len(lines) != n || !slices.IsSortedFunc(lines, slices.Compare[[]int64]) {
					t.Fatalf("log %d: %d rows announced, %v came", seed, n, lines)
				}
				out.Release()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("log %d, slide %v, by %v (-whole +pieces):\n%s", seed, spec.Slide, spec.By, diff)
		}
		some += len(want)
	}
	if some < 1000 {
		t.Errorf("only %d windows were revised in all", some)
	}
}

func revisedKey(spec Spec, start int64, product string, store int64) string {
	switch len(spec.By) {
	case 0:
		return fmt.Sprint(start)
	case 1:
		return fmt.Sprint(start, product)
	}
	return fmt.Sprint(start, store, product)
}

// addRevised adds up a record of revisions, and returns the start of its windows, each with the number of its store.
func addRevised(into map[string]int64, rec arrow.Record, spec Spec) (order [][]int64) {
	n := int(rec.NumCols()) - 1
	for i, rows := range rec.Column(n).(*array.Int64).Int64Values() {
		start := int64(rec.Column(0).(*array.Timestamp).Value(i))
		product, store := "", int64(0)
		switch len(spec.By) {
		case 1:
			product = rec.Column(1).(*array.String).Value(i)
		case 2:
			store, product = rec.Column(1).(*array.Int64).Value(i), rec.Column(2).(*array.String).Value(i)
		}
		into[revisedKey(spec, start, product, store)] += rows
		order = append(order, []int64{start, store})
	}
	return order
}

// A window that rows are not late for is not revised, and what was forgotten is not counted.
func TestRevisionsOfNothing(t *testing.T) {
	t.Parallel()
	spec := Spec{Time: "ts", Size: time.Minute, By: []string{"product"}, Totals: []Total{{"n", Count, ""}}}
	rec := record(memory.DefaultAllocator, []sale{{product: "a", ts: 0}, {product: "b", ts: minute}})
	defer rec.Release()
	r, err := NewRevisions(spec, rec.Schema(), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	r.Add(rec, []bool{true, true}, []int64{None, 2*minute - 1})
	if n := r.Len(); n != 0 {
		t.Errorf("%d windows, want none", n)
	}
	r.Add(rec, []bool{true, true}, []int64{minute, 2 * minute})
	if n := r.Len(); n != 2 {
		t.Errorf("%d windows, want 2", n)
	}
	r.Reset()
	out := r.Seal()
	defer out.Release()
	if r.Len() != 0 || out.NumRows() != 0 {
		t.Errorf("%d windows and %d rows after they were forgotten", r.Len(), out.NumRows())
	}
	if _, err := NewRevisions(Spec{Time: "nothing", Size: time.Minute}, rec.Schema(), memory.DefaultAllocator); err == nil {
		t.Error("a spec of a column that is not there is no error")
	}
}
