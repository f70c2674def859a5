package stream

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// keyed is a record of ids and texts, the key of a table.
func keyed(ids []int64, texts []string) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String},
	}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(ids, nil)
	b.Field(1).(*array.StringBuilder).AppendValues(texts, nil)
	return b.NewRecord()
}

// The order is that of a plain sort by the key, for ids of all sizes and signs, many of them equal.
func TestRowsAreSortedByTheirKey(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var o order
	for _, spread := range []int64{1, 3, 5000, 1 << 40, math.MaxInt64} {
		for _, key := range [][]string{{"id", "text"}, {"text", "id"}} {
			ids, texts := make([]int64, 3000), make([]string, 3000)
			for i := range ids {
				ids[i], texts[i] = rng.Int64N(spread)-spread/2, fmt.Sprint(rng.IntN(1000))
			}
			ids[7], ids[8] = math.MinInt64, math.MaxInt64
			rec := keyed(ids, texts)
			got := o.byKey(rec, key)
			rec.Release()
			want := make([]int32, len(ids))
			for i := range want {
				want[i] = int32(i)
			}
			less := func(a, b int32) int {
				byID, byText := cmp.Compare(ids[a], ids[b]), cmp.Compare(texts[a], texts[b])
				if key[0] == "id" {
					return cmp.Or(byID, byText)
				}
				return cmp.Or(byText, byID)
			}
			slices.SortFunc(want, less)
			// Rows with one key may come in any order.
			if len(got) != len(want) || !slices.EqualFunc(got, want, func(a, b int32) bool { return less(a, b) == 0 }) {
				t.Fatalf("by %v, ids in a range of %d: wrong order", key, spread)
			}
			slices.Sort(got)
			for i, row := range got {
				if int(row) != i {
					t.Fatalf("by %v, ids in a range of %d: row %d comes %v", key, spread, i, row)
				}
			}
		}
	}
}

func TestRowsThatMostlyAscendStayAsTheyAre(t *testing.T) {
	ids, texts := make([]int64, 1000), make([]string, 1000)
	for i := range ids {
		ids[i], texts[i] = int64(i/3), fmt.Sprint(i%3)
	}
	ids[500], ids[501] = ids[501], ids[500]-1
	rec := keyed(ids, texts)
	defer rec.Release()
	if got := new(order).byKey(rec, []string{"id", "text"}); got != nil {
		t.Errorf("sorted as %v", got[:10])
	}
}

func BenchmarkOrder(b *testing.B) {
	ids, texts := make([]int64, 50_000), make([]string, 50_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range ids {
		ids[i] = rng.Int64N(1 << 59)
	}
	rec := keyed(ids, texts)
	defer rec.Release()
	var o order
	b.ReportAllocs()
	for b.Loop() {
		if o.byKey(rec, []string{"id", "text"}) == nil {
			b.Fatal("not sorted")
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(ids))/b.Elapsed().Seconds(), "rows/s")
}
