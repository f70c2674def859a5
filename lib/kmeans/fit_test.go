package kmeans

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResultIgnoresWorkers(t *testing.T) {
	t.Parallel()
	p := blobs(rand.New(rand.NewPCG(1, 2)), 2500, 3, 7)
	for _, starts := range []int{1, 5} {
		o := Defaults(7)
		o.Starts, o.Seed, o.Workers = starts, 42, 1
		want, err := Fit(p, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []int{2, 3, 8, 64} {
			o.Workers = workers
			got, err := Fit(p, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" { // bit for bit
				t.Errorf("%d starts, %d workers (-one +many):\n%s", starts, workers, diff)
			}
		}
	}
}

// A fit ends where no point has a nearer center and each center is the mean of its points.
func TestFitIsAFixedPoint(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, d := range []int{1, 2, 3, 5} {
		for _, k := range []int{1, 2, 4, 9} {
			p := blobs(rng, 300, d, 4)
			o := Defaults(k)
			o.Tolerance, o.Starts = 0, 3
			m, err := Fit(p, o)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Converged {
				t.Errorf("d=%d k=%d: not converged after %d iterations", d, k, m.Iterations)
			}
			checkModel(t, fmt.Sprintf("d=%d k=%d", d, k), p, m)
		}
	}
}

// checkModel works labels, sizes, centers and inertia out again the slow way.
func checkModel(t *testing.T, name string, p Points, m *Model) {
	t.Helper()
	sizes, inertia := make([]int, m.Centers.Len()), 0.0
	means := make([]float64, len(m.Centers.X))
	for i := range p.Len() {
		least := math.Inf(1)
		for j := range m.Centers.Len() {
			least = min(least, distance(p.At(i), m.Centers.At(j)))
		}
		own := distance(p.At(i), m.Centers.At(int(m.Labels[i])))
		if own > least+1e-9 {
			t.Errorf("%s: point %d is %v from its center and %v from another", name, i, own, least)
		}
		inertia += own
		sizes[m.Labels[i]]++
		for j, v := range p.At(i) {
			means[int(m.Labels[i])*p.D+j] += v
		}
	}
	if !slices.Equal(sizes, m.Sizes) {
		t.Errorf("%s: sizes %v, counted %v", name, m.Sizes, sizes)
	}
	if math.Abs(inertia-m.Inertia) > 1e-9*(1+inertia) {
		t.Errorf("%s: inertia %v, added up %v", name, m.Inertia, inertia)
	}
	for i := range means {
		if size := sizes[i/p.D]; size > 0 && math.Abs(means[i]/float64(size)-m.Centers.X[i]) > 1e-9 {
			t.Errorf("%s: center %d is %v, the mean of its points %v", name, i/p.D, m.Centers.X[i], means[i]/float64(size))
		}
	}
}

func TestFewPoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		points   Points
		k        int
		clusters int // with points
		inertia  float64
	}{
		{"one_point", Points{D: 2, X: []float64{3, 4}}, 1, 1, 0},
		{"one_point_of_three", Points{D: 2, X: []float64{3, 4}}, 3, 1, 0},
		{"as_many_as_clusters", Points{D: 1, X: []float64{1, 2, 5}}, 3, 3, 0},
		{"all_equal", Points{D: 1, X: []float64{7, 7, 7, 7}}, 3, 1, 0},
		{"two_distinct", Points{D: 1, X: []float64{7, 7, 9, 9, 9}}, 4, 2, 0},
		{"one_cluster", Points{D: 1, X: []float64{1, 3}}, 1, 1, 2},
		{"many_equal", Points{D: 3, X: make([]float64, 3*30_000)}, 4, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, treeFrom := range []int{1, math.MaxInt} {
				s, err := prepare(tt.points, 2, treeFrom)
				if err != nil {
					t.Fatal(err)
				}
				m, err := s.Fit(Defaults(tt.k))
				if err != nil {
					t.Fatal(err)
				}
				clusters := 0
				for _, size := range m.Sizes {
					if size > 0 {
						clusters++
					}
				}
				if clusters != tt.clusters || m.Inertia != tt.inertia || len(m.Sizes) != tt.k {
					t.Errorf("tree from %d: %d clusters of %d, inertia %v; want %d, %v", treeFrom, clusters, len(m.Sizes), m.Inertia, tt.clusters, tt.inertia)
				}
				checkModel(t, tt.name, tt.points, m)
			}
		})
	}
}

// Centers far from all points get none in the first step; each is then moved to the point farthest from its own.
func TestEmptyClustersAreRefilled(t *testing.T) {
	t.Parallel()
	p := Points{D: 1, X: []float64{0, 0.1, 0.2, 10, 10.1, 30}}
	m, err := FitFrom(p, Points{D: 1, X: []float64{0, 1000, 2000}}, Defaults(0))
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(slices.Values(m.Sizes)); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("sizes %v, want 1, 2 and 3 points", m.Sizes)
	}
	checkModel(t, "refilled", p, m)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	good := Points{D: 1, X: []float64{1, 2, 3}}
	for _, tt := range []struct {
		name   string
		points Points
		change func(*Options)
	}{
		{"no_points", Points{D: 1}, nil},
		{"no_coordinates", Points{}, nil},
		{"half_a_point", Points{D: 2, X: []float64{1, 2, 3}}, nil},
		{"nan", Points{D: 1, X: []float64{1, math.NaN()}}, nil},
		{"infinity", Points{D: 1, X: []float64{1, math.Inf(1)}}, nil},
		{"squares_without_a_sum", Points{D: 1, X: []float64{1, -1e200}}, nil},
		{"no_clusters", good, func(o *Options) { o.K = 0 }},
		{"no_iterations", good, func(o *Options) { o.MaxIterations = 0 }},
		{"tolerance_below_0", good, func(o *Options) { o.Tolerance = -1 }},
	} {
		o := Defaults(2)
		if tt.change != nil {
			tt.change(&o)
		}
		if _, err := Fit(tt.points, o); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
	if _, err := FitFrom(good, Points{D: 2, X: []float64{1, 2}}, Defaults(0)); err == nil {
		t.Error("centers of another dimension: no error")
	}
}

func TestRenumber(t *testing.T) {
	t.Parallel()
	m := &Model{Centers: Points{D: 1, X: []float64{10, 20, 30}}, Labels: []int32{0, 1, 2, 2}, Sizes: []int{1, 1, 2}}
	m.Renumber([]int{2, 0, 1})
	want := &Model{Centers: Points{D: 1, X: []float64{30, 10, 20}}, Labels: []int32{1, 2, 0, 0}, Sizes: []int{2, 1, 1}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStandardizeConstantColumn(t *testing.T) {
	t.Parallel()
	column := []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}
	mean, deviation := Standardize(column)
	if deviation != 1 || math.Abs(mean-0.1) > 1e-15 || math.Abs(column[3]) > 1e-15 {
		t.Errorf("mean %v, deviation %v, values %v", mean, deviation, column)
	}
}
