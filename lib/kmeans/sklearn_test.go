package kmeans

import (
	"math"
	"slices"
	"testing"
)

// near compares with a figure of a reference, which was printed with so many digits.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.12f, want %.12f within %g", what, got, want, tolerance)
	}
}

// rowsAsCenters takes points as first centers.
func rowsAsCenters(p Points, rows ...int) Points {
	c := Points{D: p.D}
	for _, i := range rows {
		c.X = append(c.X, p.At(i)...)
	}
	return c
}

// The figures are scikit-learn's (1.2.1) for KMeans(init=rows, n_init=1).
func TestGivenCentersEqualScikitLearn(t *testing.T) {
	t.Parallel()
	flowers := iris(t)
	customers, means, deviations := onlineRetail(t)
	for j, want := range [3][2]float64{{3.8010548512, 1.3834608625}, {1.3455823418, 0.683024936}, {6.5936271408, 1.2574326702}} {
		near(t, "mean", means[j], want[0], 1e-10)
		near(t, "deviation", deviations[j], want[1], 1e-10)
	}
	for _, tt := range []struct {
		name       string
		points     Points
		rows       []int
		tolerance  float64
		inertia    float64
		iterations int
		sizes      []int
	}{
		{"iris", flowers, []int{0, 50, 100}, 1e-4, 78.8514414261, 4, []int{50, 62, 38}},
		{"retail_4", customers, []int{0, 1000, 2000, 3000}, 1e-4, 3963.130198921, 17, []int{1180, 719, 1602, 837}},
		{"retail_4_exact", customers, []int{0, 1000, 2000, 3000}, 0, 3962.557268437, 27, nil},
		{"retail_3", customers, []int{0, 1, 2}, 1e-4, 4877.146492730, 13, nil},
		{"retail_3_exact", customers, []int{0, 1, 2}, 0, 4877.116653072, 17, nil},
		{"retail_7", customers, []int{10, 500, 1500, 2500, 3500, 4000, 4300}, 1e-4, 2600.156356623, 20, nil},
		{"retail_7_exact", customers, []int{10, 500, 1500, 2500, 3500, 4000, 4300}, 0, 2595.864165690, 48, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Defaults(0)
			o.Tolerance = tt.tolerance
			m, err := FitFrom(tt.points, rowsAsCenters(tt.points, tt.rows...), o)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "inertia", m.Inertia, tt.inertia, tt.inertia*1e-9)
			if m.Iterations != tt.iterations {
				t.Errorf("%d iterations, want %d", m.Iterations, tt.iterations)
			}
			if tt.sizes != nil && !slices.Equal(m.Sizes, tt.sizes) {
				t.Errorf("sizes %v, want %v", m.Sizes, tt.sizes)
			}
		})
	}
}

// The figures are scikit-learn's (1.9.1) for first centers of which some have no points.
func TestEmptyClustersEqualScikitLearn(t *testing.T) {
	t.Parallel()
	line := Points{D: 1, X: []float64{0, 0.1, 0.2, 10, 10.1, 30}}
	var saw Points
	saw.D = 2
	for i := range 60 {
		saw.X = append(saw.X, float64(i), float64(i*i%17))
	}
	for _, tt := range []struct {
		name       string
		points     Points
		first      []float64
		inertia    float64
		iterations int
		sizes      []int
	}{
		{"line", line, []float64{0, 1000, 2000}, 0.025, 3, []int{3, 1, 2}},
		{"saw", saw, []float64{0, 0, 500, 500, 600, -600, 30, 8, -900, 900}, 2754.519005847953, 9, []int{19, 5, 8, 18, 10}},
		{"fewer_distinct", Points{D: 1, X: []float64{0, 0, 0, 1, 1, 1, 2, 2, 2}}, []float64{0, 1, 2, 50, 60}, 0, -1, []int{3, 3, 3, 0, 0}},
		{"twice_the_same", Points{D: 1, X: []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, []float64{2, 2}, 22.5, 4, []int{6, 4}},
	} {
		for _, treeFrom := range []int{1, math.MaxInt} {
			s, err := prepare(tt.points, 2, treeFrom)
			if err != nil {
				t.Fatal(err)
			}
			m, err := s.FitFrom(Points{D: tt.points.D, X: tt.first}, Defaults(0))
			if err != nil {
				t.Fatal(err)
			}
			near(t, tt.name+": inertia", m.Inertia, tt.inertia, tt.inertia*1e-9)
			if !slices.Equal(m.Sizes, tt.sizes) || (m.Iterations != tt.iterations && tt.iterations > 0) {
				t.Errorf("%s: sizes %v after %d iterations, want %v after %d", tt.name, m.Sizes, m.Iterations, tt.sizes, tt.iterations)
			}
		}
	}
}

// The figures are the best that scikit-learn reached with 60 starts.
func TestFreeStartIsNoWorseThanScikitLearn(t *testing.T) {
	t.Parallel()
	flowers := iris(t)
	standardised := make([][]float64, flowers.D)
	for j := range standardised {
		for i := range flowers.Len() {
			standardised[j] = append(standardised[j], flowers.At(i)[j])
		}
		Standardize(standardised[j])
	}
	for _, tt := range []struct {
		name   string
		points Points
		starts int
		firstK int
		best   []float64
	}{
		{"iris", flowers, 20, 1, []float64{681.370600, 152.347952, 78.851441, 57.228473, 46.446182, 39.039987, 34.299712, 30.015881}},
		{"iris_standardised", FromColumns(standardised...), 20, 2, []float64{222.361705, 139.820496, 114.092328, 90.807592, 79.998867}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i, best := range tt.best {
				o := Defaults(tt.firstK + i)
				o.Starts, o.Tolerance, o.Seed = tt.starts, 0, 1
				m, err := Fit(tt.points, o)
				if err != nil {
					t.Fatal(err)
				}
				if m.Inertia > best*1.0005 {
					t.Errorf("k=%d: inertia %.6f, the best known is %.6f", o.K, m.Inertia, best)
				}
				t.Logf("k=%d: inertia %.6f, best known %.6f", o.K, m.Inertia, best)
			}
		})
	}
}
