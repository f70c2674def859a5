package anomaly

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFill(t *testing.T) {
	t.Parallel()
	start, revenue, orders := []int64{130, 100, 110, 100, 160, 90}, []int64{3, 1, 2, 10, 7, 9}, []int64{1, 1, 1, 1, 1, 1}
	want := Series{Revenue: []int64{11, 2, 0, 3, 0}, Orders: []int64{2, 1, 0, 1, 0}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		got, err := Fill(start, revenue, orders, 100, 155, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		rng.Shuffle(len(start), func(i, j int) {
			start[i], start[j] = start[j], start[i]
			revenue[i], revenue[j] = revenue[j], revenue[i]
			orders[i], orders[j] = orders[j], orders[i]
		})
	}
	one := []int64{1}
	for name, fill := range map[string]func() (Series, error){
		"a_row_between_two_windows": func() (Series, error) { return Fill([]int64{105}, one, one, 100, 150, 10) },
		"windows_of_no_length":      func() (Series, error) { return Fill(nil, nil, nil, 100, 150, 0) },
		"an_end_before_the_start":   func() (Series, error) { return Fill(nil, nil, nil, 150, 100, 10) },
		"a_date_typed_wrong":        func() (Series, error) { return Fill([]int64{100}, one, one, 100, 1<<60, 10) },
		"negative_orders":           func() (Series, error) { return Fill([]int64{100}, one, []int64{-1}, 100, 150, 10) },
		"a_column_too_short":        func() (Series, error) { return Fill([]int64{100}, one, nil, 100, 150, 10) },
		"more_money_than_there_is": func() (Series, error) {
			return Fill([]int64{100, 110}, []int64{math.MaxInt64, math.MaxInt64}, []int64{1, 1}, 100, 150, 10)
		},
	} {
		if _, err := fill(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The sorted window gives the median and deviation that sorting would.
func TestRootsEqualSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 7, 60} {
		r := newRoots(n)
		var all []float64
		sold := 0
		for i := range 500 {
			x := math.Round(10*rng.NormFloat64()) / 4 // many equal ones
			r.push(x, i%3 > 0)
			all = append(all, x)
			last := all[max(0, len(all)-n):]
			sold = 0
			for j := len(all) - len(last); j < len(all); j++ {
				if j%3 > 0 {
					sold++
				}
			}
			median := medianOf(last)
			var far []float64
			for _, v := range last {
				far = append(far, math.Abs(v-median))
			}
			got := r.median()
			scale := r.scale(got, 0, 0)
			if want := 1.4826 * medianOf(far); got != median || math.Abs(scale-want) > 1e-12 {
				t.Fatalf("window %d after %d values: median %v, scale %v; sorting gives %v, %v", n, i+1, got, scale, median, want)
			}
			if r.dense() != (2*sold > len(last)) {
				t.Fatalf("window %d after %d values: dense is %v, %d of %d had sales", n, i+1, r.dense(), sold, len(last))
			}
		}
	}
}

func medianOf(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// The deviance stands in for the tail of the Poisson distribution, here added up term by term.
func TestTailIsCloseToPoisson(t *testing.T) {
	t.Parallel()
	for _, mean := range []float64{0.5, 1, 3, 10, 40, 200} {
		for observed := range int(mean*8 + 30) {
			log := func(k int) float64 {
				lg, _ := math.Lgamma(float64(k) + 1)
				return float64(k)*math.Log(mean) - mean - lg
			}
			p := 0.0
			if float64(observed) < mean {
				for k := range observed + 1 {
					p += math.Exp(log(k))
				}
			} else {
				for k, last := observed, 1.0; last > 1e-25; k++ {
					last = math.Exp(log(k))
					p += last
				}
			}
			exact := math.Sqrt2 * math.Erfinv(1-2*p)
			if float64(observed) < mean {
				exact = -exact
			}
			got := tail(float64(observed), mean, 1)
			if math.Abs(exact) < 1 || math.Abs(exact) > 8 {
				continue // near the mean both are far from any threshold; beyond 8 p is too small for Erfinv
			}
			limit := 0.03
			if mean < 1 {
				limit = 0.06
			}
			if math.Abs(got-exact) > limit {
				t.Errorf("%d where %v are due: %.3f, the exact tail gives %.3f", observed, mean, got, exact)
			}
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	if z := tail(10, 10, 1); z != 0 {
		t.Errorf("as expected: %v", z)
	}
	if z := tail(0, 0, 1); z != 0 {
		t.Errorf("nothing where nothing is due: %v", z)
	}
	if z := tail(0, 100, 1); !(z < -13 && z > -15) {
		t.Errorf("nothing where 100 are due: %v", z)
	}
	if a, b := tail(60, 20, 1), tail(60, 20, 4); math.Abs(a-2*b) > 1e-12 {
		t.Errorf("a dispersion of 4 halves the score: %v, %v", a, b)
	}
	if z := tail(1e9, 1, 1); math.IsInf(z, 0) || math.IsNaN(z) {
		t.Errorf("a billion where one is due: %v", z)
	}
}

// A network that sorts every sequence of zeros and ones sorts everything.
//
// Source: Knuth, "The Art of Computer Programming" 3, section 5.3.4, theorem Z.
func TestSort8(t *testing.T) {
	t.Parallel()
	for bits := range 256 {
		var a [8]int64
		for i := range a {
			a[i] = int64(bits >> i & 1)
		}
		b := a
		sort8(&a)
		insertionSort(b[:])
		if !slices.IsSorted(a[:]) || a != b {
			t.Fatalf("%08b: %v, by insertion %v", bits, a, b)
		}
	}
}

// The chances that words and scores stand for.
func TestChances(t *testing.T) {
	t.Parallel()
	if z := deviations(1e-7); math.Abs(z-5.199338) > 1e-6 { // the tables' figure
		t.Errorf("one in ten million is %v deviations", z)
	}
	for _, due := range []float64{2, 16.1, 100, 400, 1000} {
		// None where so many are due has the chance e^-due: its score is that many deviations, and back.
		if z := -tail(0, due, 1); math.Abs(silence(z)-due) > max(0.1, 0.01*due) {
			t.Errorf("none where %v are due scores %v, which is silence where %v are due", due, z, silence(z))
		}
	}
}
