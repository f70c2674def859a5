package chart

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever the graph: edges run to a later layer or close a cycle, an acyclic graph has none that does, each layer holds
// its nodes once, and a list has each node after all that lead to it.
func TestLayersOfAnyGraph(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 300 {
		n, acyclic := 1+rng.IntN(20), round%2 == 0
		var edges [][2]int
		for range rng.IntN(40) {
			a, b := rng.IntN(n), rng.IntN(n)
			if acyclic && a >= b {
				continue
			}
			edges = append(edges, [2]int{a, b})
		}
		g := newLayered(n, edges)
		for i, e := range edges {
			if acyclic && g.back[i] {
				t.Fatalf("round %d: edge %v of an acyclic graph closes a cycle", round, e)
			}
			if !g.back[i] && g.layer[e[0]] >= g.layer[e[1]] {
				t.Fatalf("round %d: edge %v runs from layer %d to %d", round, e, g.layer[e[0]], g.layer[e[1]])
			}
		}
		layers, ways := g.ordered()
		seen := make([]int, n)
		for l, places := range layers {
			for i, p := range places {
				if p.at != i {
					t.Fatalf("round %d: place %d of layer %d thinks it is %d", round, i, l, p.at)
				}
				if p.node >= 0 {
					seen[p.node]++
					if g.layer[p.node] != l {
						t.Fatalf("round %d: node %d stands in layer %d, not %d", round, p.node, l, g.layer[p.node])
					}
				}
			}
		}
		if slices.Max(seen) != 1 || slices.Min(seen) != 1 {
			t.Fatalf("round %d: nodes stand %v times", round, seen)
		}
		for i, e := range edges {
			if !g.back[i] && len(ways[i]) != g.layer[e[1]]-g.layer[e[0]]+1 {
				t.Fatalf("round %d: edge %v has a way of %d places", round, e, len(ways[i]))
			}
		}
		row := make([]int, n)
		order := g.listed()
		if sorted := slices.Sorted(slices.Values(order)); len(order) != n || len(slices.Compact(sorted)) != n {
			t.Fatalf("round %d: the list is %v", round, order)
		}
		for i, node := range order {
			row[node] = i
		}
		for i, e := range edges {
			if !g.back[i] && row[e[0]] >= row[e[1]] {
				t.Fatalf("round %d: %v stands in the wrong order in %v", round, e, order)
			}
		}
	}
}

// Bins count every value once, as counting by hand does, and hold the smallest and the largest.
func TestBinsCountAll(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 9))
	for round := range 300 {
		n := 1 + rng.IntN(400)
		values, weights := make([]float64, n), make([]float64, n)
		total := 0.0
		for i := range values {
			values[i] = math.Round(rng.NormFloat64()*100) / []float64{1, 10, 1000}[round%3]
			if round%5 == 0 {
				values[i] = math.Exp(rng.NormFloat64() * 3)
			}
			weights[i] = float64(rng.IntN(4))
			total += weights[i]
		}
		if total == 0 {
			continue
		}
		s, err := Spec{Kind: Histogram, Series: []Series{{Values: values}}, Weights: weights, Bins: rng.IntN(61), LogX: round%5 == 0}.ready()
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.bin()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, count := range b.count {
			sum += count
			want := 0.0
			for k, v := range values {
				last := i == len(b.count)-1
				// An edge is a product of a step: a value within rounding of it belongs to the bin above.
				slack := 1e-9 * max(1, math.Abs(b.edge[i+1]))
				if v >= b.edge[i]-slack && (v < b.edge[i+1]-slack || last && v <= b.edge[i+1]+slack) {
					want += weights[k]
				}
			}
			if count != want {
				t.Fatalf("round %d: bin %d [%g, %g) of %d counts %g, want %g", round, i, b.edge[i], b.edge[i+1], len(b.count), count, want)
			}
		}
		if sum != total || len(b.count) > mostBins+1 || b.edge[0] > b.low || b.edge[len(b.edge)-1] < b.high-1e-9*math.Abs(b.high) {
			t.Fatalf("round %d: %g of %g values in %d bins from %g to %g, values from %g to %g", round, sum, total, len(b.count), b.edge[0], b.edge[len(b.edge)-1], b.low, b.high)
		}
	}
}

// A logarithmic scale puts powers of ten at equal distances, holds all values, and has two ticks or more.
func TestLogarithmic(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 9))
	for range 500 {
		lo := math.Pow(10, rng.Float64()*12-6)
		hi := lo * math.Pow(10, rng.Float64()*9)
		s := logarithmic(lo, hi, 3+rng.IntN(6), nil)
		if s.part(lo) < -1e-9 || s.part(hi) > 1+1e-9 || len(s.ticks) < 2 {
			t.Fatalf("%g to %g: %+v", lo, hi, s)
		}
		for _, tick := range s.ticks {
			if p := s.part(tick.at); p < -1e-9 || p > 1+1e-9 {
				t.Fatalf("%g to %g: tick %g lies at %g", lo, hi, tick.at, p)
			}
		}
		if a, b := s.part(100)-s.part(10), s.part(1000)-s.part(100); math.Abs(a-b) > 1e-9 {
			t.Fatalf("decades of %g and %g", a, b)
		}
		if v := s.value(s.part(42)); math.Abs(v-42) > 1e-6 {
			t.Fatalf("value(part(42)) is %g", v)
		}
	}
}
