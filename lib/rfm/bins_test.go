package rfm

import (
	stdcmp "cmp"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/pgtest"
)

// qcut is pandas.qcut on the ranks 1 to n, with exact edges: edge j is 1 + j*(n-1)/q, and a rank is in the first bin
// whose upper edge is not below it.
func qcut(n, q int) []uint8 {
	bins := make([]uint8, n)
	for i := range bins {
		bin := 1
		for bin*(n-1) < i*q {
			bin++
		}
		bins[i] = uint8(bin)
	}
	return bins
}

func TestBinsOfRanksEqualInterpolatedEdges(t *testing.T) {
	t.Parallel()
	sizes := []int{4_096, 20_001}
	for n := 1; n < 1500; n++ {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		values := make([]int64, n)
		for i := range values {
			values[i] = int64(i * i)
		}
		for _, q := range []int{3, 4, 5, 10} {
			if want, got := qcut(n, q), Bins(values, q, First); !slices.Equal(want, got) {
				t.Fatalf("n=%d q=%d (-edges +ours):\n%s", n, q, cmp.Diff(want, got))
			}
		}
	}
}

// The closed form holds as far as shops go, and where products of ranks and bins pass 16 and 21 bits.
func TestBinsOfManyRanks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{65_535, 65_538, 796_153, 1_048_577, 2_097_151} {
		values := make([]int64, n) // the value with rank i stands at n-1-i
		for i := range values {
			values[i] = int64(-i)
		}
		got := Bins(values, 5, First)
		slices.Reverse(got)
		for i, bin := range got {
			want := max(1, (5*i+n-2)/(n-1)) // ceil(5*i/(n-1))
			if int(bin) != want || want > 1 && (want-1)*(n-1) >= 5*i || want*(n-1) < 5*i {
				t.Fatalf("n=%d: rank %d is in bin %d, want %d", n, i, bin, want)
			}
		}
	}
}

// Values of a few bits and of all 64, with many ties and none, are picked as a sort would place them.
func TestPickEqualsASort(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 120 {
		values := make([]int64, 1+rng.IntN(3000))
		wide := rng.IntN(64)
		all := make([]ranked, len(values))
		for i := range values {
			values[i] = int64(rng.Uint64()) >> wide
			if rng.IntN(3) == 0 {
				values[i] = values[rng.IntN(i+1)]
			}
			all[i] = ranked{values[i], int32(i)}
		}
		slices.SortStableFunc(all, func(a, b ranked) int { return stdcmp.Compare(a.value, b.value) })
		ranks := make([]int, rng.IntN(12))
		for i := range ranks {
			ranks[i] = rng.IntN(len(values))
		}
		slices.Sort(ranks)
		var want []ranked
		for _, r := range ranks {
			want = append(want, all[r])
		}
		if got := pick(values, ranks); !slices.Equal(want, got) {
			t.Fatalf("case %d, %d values >> %d, ranks %v: %v, a sort gives %v", i, len(values), wide, ranks, got, want)
		}
	}
}

func TestBinsEqualPandas(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/pandas_qcut.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, r := range records[1:] {
		q, err := strconv.Atoi(r[0])
		if err != nil {
			t.Fatal(err)
		}
		values := numbers[int64](t, r[1])
		for j, ties := range []Ties{First, Value} {
			if r[2+j] == "" { // pandas fails: edges repeat
				continue
			}
			compared++
			if diff := cmp.Diff(numbers[uint8](t, r[2+j]), Bins(values, q, ties)); diff != "" {
				t.Errorf("row %d, q=%d, ties %s, values %v (-pandas +ours):\n%s", i+2, q, ties, values, diff)
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d comparisons in the file", compared)
	}
}

func numbers[T int64 | uint8](t *testing.T, s string) []T {
	t.Helper()
	var out []T
	for _, field := range strings.Fields(s) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, T(n))
	}
	return out
}

// Postgres numbers the rows; the closed form in SQL gives the bins. NTILE, which looks the same, is not.
func TestBinsEqualPostgresRowNumber(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	ntileDiffers := 0
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 101, 102, 103, 104, 1000} {
		values := make([]int64, n)
		for i := range values {
			values[i] = rng.Int64N(int64(n))
		}
		rows, err := db.Query(t.Context(), `
			select case when i = 0 then 1 else (5*i + n - 2) / (n - 1) end, ntile
			from (select id, row_number() over w - 1 as i, count(*) over () as n, ntile(5) over w as ntile
			      from unnest($1::bigint[]) with ordinality as t (value, id) window w as (order by value, id)) as r
			order by id`, values)
		if err != nil {
			t.Fatal(err)
		}
		var want, ntile []uint8
		var a, b int64
		if _, err := pgx.ForEachRow(rows, []any{&a, &b}, func() error {
			want, ntile = append(want, uint8(a)), append(ntile, uint8(b))
			return context.Cause(t.Context())
		}); err != nil {
			t.Fatal(err)
		}
		got := Bins(values, 5, First)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("n=%d (-postgres +ours):\n%s", n, diff)
		}
		if !slices.Equal(ntile, got) {
			ntileDiffers++
		}
	}
	if ntileDiffers == 0 {
		t.Error("ntile(5) gave the same bins everywhere: the cases do not tell the two apart")
	}
}

func TestBinsByRank(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		values := make([]int64, n)
		for i := range values {
			values[i] = rng.Int64N(20)
		}
		bins := Bins(values, 5, First)
		for i := range values {
			for j := range values {
				if (values[i] < values[j] || values[i] == values[j] && i < j) && bins[i] > bins[j] {
					t.Fatalf("n=%d: value %d (customer %d) is in bin %d, value %d (customer %d) in bin %d", n, values[i], i, bins[i], values[j], j, bins[j])
				}
			}
		}
	}
}

func TestBinsByValueGiveEqualsTheSame(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 300 {
		values := make([]int64, n)
		for i := range values {
			values[i] = rng.Int64N(7) // many repeated edges, where pandas fails
		}
		bins := Bins(values, 5, Value)
		of := map[int64]uint8{}
		for i, v := range values {
			if bin, ok := of[v]; ok && bin != bins[i] {
				t.Fatalf("n=%d: value %d is in bins %d and %d", n, v, bin, bins[i])
			}
			of[v] = bins[i]
			if bins[i] < 1 || bins[i] > 5 {
				t.Fatalf("n=%d: value %d is in bin %d", n, v, bins[i])
			}
		}
	}
}

func TestBinsOfFewValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		values []int64
		ties   Ties
		want   []uint8
	}{
		{"none", nil, First, []uint8{}},
		{"none_by_value", nil, Value, []uint8{}},
		{"one", []int64{7}, First, []uint8{1}},
		{"one_by_value", []int64{7}, Value, []uint8{1}},
		{"two", []int64{9, 7}, First, []uint8{5, 1}},
		{"four_as_pandas", []int64{1, 2, 3, 4}, First, []uint8{1, 2, 4, 5}},
		{"seven_unlike_ntile", []int64{1, 2, 3, 4, 5, 6, 7}, First, []uint8{1, 1, 2, 3, 4, 5, 5}},
		{"all_equal", []int64{3, 3, 3, 3, 3, 3}, First, []uint8{1, 1, 2, 3, 4, 5}},
		{"all_equal_by_value", []int64{3, 3, 3, 3, 3, 3}, Value, []uint8{1, 1, 1, 1, 1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Bins(tt.values, 5, tt.ties)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBinsPanicOnNoBins(t *testing.T) {
	t.Parallel()
	for _, q := range []int{-1, 0, 256} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bins did not panic", q)
				}
			}()
			Bins([]int64{1}, q, First)
		}()
	}
}

func BenchmarkBins(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{10_000, 800_000} {
		values := make([]int64, n)
		for i := range values {
			values[i] = rng.Int64N(1_000_000)
		}
		for _, ties := range []Ties{First, Value} {
			b.Run(fmt.Sprintf("rows=%d/ties=%s", n, ties), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Bins(values, 5, ties)
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
