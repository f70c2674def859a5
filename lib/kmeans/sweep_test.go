package kmeans

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// silhouetteSlowly is the definition, point by point.
func silhouetteSlowly(p Points, labels []int32) float64 {
	total := 0.0
	for i := range p.Len() {
		sums, counts := map[int32]float64{}, map[int32]float64{}
		for j := range p.Len() {
			if i != j {
				sums[labels[j]] += math.Sqrt(distance(p.At(i), p.At(j)))
				counts[labels[j]]++
			}
		}
		own := labels[i]
		if counts[own] == 0 {
			continue
		}
		a, b := sums[own]/counts[own], math.Inf(1)
		for label, sum := range sums {
			if label != own {
				b = min(b, sum/counts[label])
			}
		}
		if max(a, b) > 0 {
			total += (b - a) / max(a, b)
		}
	}
	return total / float64(p.Len())
}

func TestSilhouetteEqualsDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	for _, d := range []int{1, 2, 3, 4} {
		p := blobs(rng, 150, d, 4)
		var ways [][]int32
		for k := 2; k <= 20; k += 3 {
			labels := make([]int32, p.Len())
			for i := range labels {
				labels[i] = int32(rng.IntN(k))
			}
			labels[7] = int32(k + 3) // alone, and numbers between are not used
			ways = append(ways, labels)
		}
		together := silhouettes(p, ways, 2)
		for w, labels := range ways {
			near(t, "silhouette", together[w], silhouetteSlowly(p, labels), 1e-12)
			near(t, "silhouette by itself", Silhouette(p, labels, 3), together[w], 1e-12)
		}
	}
}

func TestSilhouetteOfFew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		x      []float64
		labels []int32
		want   float64
	}{
		{"none", nil, nil, math.NaN()},
		{"one_cluster", []float64{1, 2}, []int32{0, 0}, math.NaN()},
		{"each_alone", []float64{1, 2}, []int32{0, 1}, 0},
		{"equal_points", []float64{1, 1, 1, 1}, []int32{0, 0, 1, 1}, 0},
		{"two_pairs", []float64{0, 0, 5, 5}, []int32{0, 0, 1, 1}, 1},
	} {
		got := Silhouette(Points{D: 1, X: tt.x}, tt.labels, 1)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The figures are scikit-learn's for the best of 60 starts, over all customers.
func TestSweepEqualsScikitLearn(t *testing.T) {
	t.Parallel()
	customers, _, _ := onlineRetail(t)
	s, err := Prepare(customers, 2)
	if err != nil {
		t.Fatal(err)
	}
	o := Defaults(0)
	o.Tolerance, o.Seed = 0, 1
	sweep, err := s.Sweep(2, 8, 10_000, o)
	if err != nil {
		t.Fatal(err)
	}
	if sweep.Sample != 4338 {
		t.Errorf("a sample of %d, want all 4338", sweep.Sample)
	}
	inertias := []float64{6485.680505, 4877.116653, 3962.294015, 3330.160454, 2875.164572, 2573.249046, 2359.784250}
	for i, trial := range sweep.Trials {
		if trial.K != i+2 || trial.Inertia > inertias[i]*1.0005 {
			t.Errorf("k=%d: inertia %.6f, the best known is %.6f", trial.K, trial.Inertia, inertias[i])
		}
		t.Logf("k=%d: inertia %.6f, best known %.6f", trial.K, trial.Inertia, inertias[i])
	}
	for i, want := range []float64{0.434157, 0.338837, 0.336406, 0.317709} {
		near(t, "silhouette", sweep.Trials[i].Silhouette, want, 2e-4)
	}
	if sizes := slices.Sorted(slices.Values(sweep.Trials[2].Sizes)); !slices.Equal(sizes, []int{707, 813, 1188, 1630}) {
		t.Errorf("sizes of k=4: %v", sizes)
	}
	if sweep.Elbow != 4 {
		t.Errorf("elbow at %d, want 4", sweep.Elbow)
	}
}

func TestElbow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		inertias []float64 // from k=2
		elbow    int
		bends    []float64
	}{
		{"a_corner_at_4", []float64{100, 60, 10, 5, 0}, 4, []float64{0, 0.15, 0.4, 0.2, 0}},
		{"a_line", []float64{40, 30, 20, 10}, 0, []float64{0, 0, 0, 0}},
		{"equal_points", []float64{0, 0, 0}, 0, []float64{0, 0, 0}},
		{"one", []float64{7}, 0, []float64{0}},
		{"above_the_chord", []float64{10, 9, 0}, 0, []float64{0, -0.4, 0}},
	} {
		var s Sweep
		for i, v := range tt.inertias {
			s.Trials = append(s.Trials, Trial{K: i + 2, Inertia: v})
		}
		s.elbow()
		if s.Elbow != tt.elbow {
			t.Errorf("%s: elbow %d, want %d", tt.name, s.Elbow, tt.elbow)
		}
		for i, want := range tt.bends {
			near(t, tt.name+": bend", s.Trials[i].Bend, want, 1e-12)
		}
	}
}

func TestSweepIgnoresWorkers(t *testing.T) {
	t.Parallel()
	p := blobs(rand.New(rand.NewPCG(13, 14)), 2500, 3, 6)
	for _, treeFrom := range []int{1, math.MaxInt} {
		var want *Sweep
		for _, workers := range []int{1, 2, 7} {
			s, err := prepare(p, workers, treeFrom)
			if err != nil {
				t.Fatal(err)
			}
			o := Defaults(0)
			o.Starts, o.Seed, o.Workers = 3, 5, workers
			got, err := s.Sweep(1, 7, 500, o)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("tree from %d, %d workers (-one +many):\n%s", treeFrom, workers, diff)
			}
		}
	}
}

func TestSweepOfFewPoints(t *testing.T) {
	t.Parallel()
	s, err := Prepare(Points{D: 1, X: []float64{7, 7, 9, 9, 9}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sweep, err := s.Sweep(1, 4, 3, Defaults(0))
	if err != nil {
		t.Fatal(err)
	}
	if sweep.Sample != 3 || sweep.Elbow != 2 || !math.IsNaN(sweep.Trials[0].Silhouette) || sweep.Trials[3].Inertia != 0 {
		t.Errorf("%+v", sweep)
	}
	for _, bad := range [][3]int{{0, 4, 3}, {3, 2, 3}, {1, 2, -1}} {
		if _, err := s.Sweep(bad[0], bad[1], bad[2], Defaults(0)); err == nil {
			t.Errorf("Sweep(%v): no error", bad)
		}
	}
}

func TestDrawnPointsDiffer(t *testing.T) {
	t.Parallel()
	s, err := Prepare(Points{D: 1, X: make([]float64, 50)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	times := make([]int, 50)
	for seed := range uint64(2000) {
		drawn := s.draw(10, seed)
		if len(drawn) != 10 || !slices.IsSorted(drawn) || len(slices.Compact(slices.Clone(drawn))) != 10 {
			t.Fatalf("seed %d draws %v", seed, drawn)
		}
		for _, i := range drawn {
			times[i]++
		}
	}
	for i, n := range times { // 400 expected, a deviation of 18
		if n < 300 || n > 500 {
			t.Errorf("point %d was drawn %d times of 2000, want about 400", i, n)
		}
	}
}
