package kmeans

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shapes are points that are hard on a tree in one way each.
func shapes(rng *rand.Rand) map[string]Points {
	shops := Points{D: 3} // as few customers have many purchases, values repeat
	for range 1500 {
		often := math.Exp(rng.ExpFloat64())
		shops.X = append(shops.X, float64(rng.IntN(300)), math.Floor(often), math.Floor(often*100*rng.Float64()))
	}
	lattice := Points{D: 2} // many points are equally near to two centers
	for x := range 30 {
		for y := range 30 {
			lattice.X = append(lattice.X, float64(x), float64(y))
		}
	}
	few := Points{D: 3} // few distinct points
	for range 1000 {
		few.X = append(few.X, float64(rng.IntN(2)), float64(rng.IntN(2)), 5)
	}
	far := blobs(rng, 1200, 3, 5)
	far.X[0], far.X[100] = 1e9, -1e12 // two points beyond all others
	shifted := blobs(rng, 1200, 1, 4)
	for i := range shifted.X {
		shifted.X[i] = 1e7 + shifted.X[i]*1e-3
	}
	doubling := Points{D: 1} // the middle parts off one point at a time
	for i := range 600 {
		doubling.X = append(doubling.X, math.Ldexp(1, i-300))
	}
	return map[string]Points{
		"blobs_1": blobs(rng, 1500, 1, 4), "blobs_2": blobs(rng, 1500, 2, 6), "blobs_3": blobs(rng, 1500, 3, 9),
		"shops": shops, "lattice": lattice, "few": few, "far": far, "shifted": shifted, "doubling": doubling,
		"equal": {D: 3, X: make([]float64, 900)}, "one": {D: 2, X: []float64{1, 2}},
	}
}

// The tree spares distances and nothing else: every step has the labels of the plain way, and so its bits.
func TestTreeEqualsPlain(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for name, p := range shapes(rng) {
		plain, err := prepare(p, 1, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []int{1, 3} {
			treed, err := prepare(p, workers, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range []int{1, 2, 3, 6, 17} {
				first := Points{D: p.D}
				for range k {
					first.X = append(first.X, p.At(rng.IntN(p.Len()))...) // some more than once: empty clusters
				}
				first.X[0] += float64(k % 2) // and some no point at all
				o := Defaults(0)
				o.Workers, o.Tolerance = workers, []float64{0, 1e-4}[k%2]
				want, err := plain.FitFrom(first, o)
				if err != nil {
					t.Fatal(err)
				}
				got, err := treed.FitFrom(first, o)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" { // bit for bit
					t.Errorf("%s, k=%d, %d workers (-plain +tree):\n%.600s", name, k, workers, diff)
				}
				in, _ := treed.space()
				lost := 1e-9 // centers far from 0 lose digits when they are moved back, and with them the inertia does
				if name == "shifted" {
					lost = 1e-6
				}
				if a, b := in.inertia(treed.inside(got.Centers), workers), got.Inertia; math.Abs(a-b) > lost*b+1e-20*treed.variance*float64(p.Len()) {
					t.Errorf("%s, k=%d: inertia by nodes %v, by points %v", name, k, a, b)
				}
			}
		}
	}
}

// A free start with the tree differs in its seeds; it is no worse.
func TestTreeStartsAsWell(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for _, d := range []int{1, 2, 3} {
		p := blobs(rng, 5000, d, 8)
		o := Defaults(8)
		o.Tolerance = 0
		plain, err := prepare(p, 2, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		treed, err := prepare(p, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Fit(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := treed.Fit(o)
		if err != nil {
			t.Fatal(err)
		}
		if got.Inertia > want.Inertia*1.0005 {
			t.Errorf("d=%d: inertia %v with the tree, %v without", d, got.Inertia, want.Inertia)
		}
		checkModel(t, fmt.Sprint("tree, d=", d), p, got)
	}
}

// The tree holds each point once, in boxes that fit, and does not depend on who built it.
func TestTreeIsSound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	all := shapes(rng)
	all["many"] = blobs(rng, 3*spawn, 3, 5)
	for name, p := range all {
		one, err := prepare(p, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		tree := one.tree
		seen := make([]bool, p.Len())
		for _, it := range tree.items {
			if seen[it.index] {
				t.Fatalf("%s: point %d is in two places", name, it.index)
			}
			seen[it.index] = true
		}
		for i, n := range tree.nodes {
			for _, it := range tree.items[n.first : n.first+n.count] {
				for d, v := range it.at {
					if math.Abs(v-n.middle[d]) > n.half[d]*(1+1e-15)+math.Abs(v)*1e-15 {
						t.Fatalf("%s: node %d has a point %v from its middle, half a side is %v", name, i, math.Abs(v-n.middle[d]), n.half[d])
					}
				}
			}
		}
		for _, workers := range []int{2, 5} {
			many, err := prepare(p, workers, 1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree.nodes, many.tree.nodes, cmp.AllowUnexported(node{}, fixed{})); diff != "" {
				t.Errorf("%s: %d workers build another tree:\n%.600s", name, workers, diff)
			}
		}
	}
}
