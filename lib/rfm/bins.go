package rfm

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Ties says how customers with equal values are scored.
type Ties string

const (
	// First ranks equal values by customer id, so that bins have equal sizes and equal customers may get different
	// scores. It equals pandas.qcut(x.rank(method="first"), q) on rows in ascending order of id.
	First Ties = "first"
	// Value gives equal values equal scores, so that bins may have very different sizes. It equals pandas.qcut(x, q)
	// where that works; where pandas fails because edges repeat, a value takes the first bin whose edge reaches it.
	Value Ties = "value"
)

// Bins puts each of the n values in one of q bins of near equal size, 1 (lowest values) to q.
//
// With [First], a value of rank i (from 0, by value and then by index) is in bin 1 when i = 0 and in bin
// ceil(q*i/(n-1)) otherwise. With [Value], the edges are the linearly interpolated quantiles j/q of the values and a bin
// holds what is above its lower edge and not above its upper one. With fewer values than bins some bins stay empty; one
// value is in bin 1. It panics unless 1 <= q <= 255: how many bins there are is the program's choice, not data.
//
// Cost: one sort, O(n log n), and 16 bytes a value.
func Bins(values []int64, q int, ties Ties) []uint8 {
	if q < 1 || q > 255 {
		panic(fmt.Sprintf("rfm: %d bins asked, 1 to 255 are possible", q))
	}
	if ties == Value {
		return binsByValue(values, q)
	}
	return binsByRank(values, q)
}

func binsByRank(values []int64, q int) []uint8 {
	n := len(values)
	type key struct {
		value int64
		index int
	}
	order := make([]key, n)
	for i, v := range values {
		order[i] = key{v, i}
	}
	slices.SortFunc(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.index, b.index))
	})
	bins := make([]uint8, n)
	for rank, k := range order {
		bins[k.index] = binOfRank(rank, n, q)
	}
	return bins
}

// binOfRank is ceil(q*rank/(n-1)), at least 1. It is where the interpolated edges of the ranks 1..n fall, worked out in
// integers: edge j is at 1 + j*(n-1)/q, and bins hold their upper edge.
func binOfRank(rank, n, q int) uint8 {
	if rank == 0 {
		return 1
	}
	return uint8((q*rank + n - 2) / (n - 1))
}

func binsByValue(values []int64, q int) []uint8 {
	bins := make([]uint8, len(values))
	if len(values) == 0 {
		return bins
	}
	edges := Edges(values, q)
	for i, v := range values {
		// The first edge not below the value; the minimum itself sits on edge 0 and joins bin 1.
		bins[i] = uint8(max(1, sort.SearchFloat64s(edges, float64(v))))
	}
	return bins
}

// Edges returns the q+1 edges of q bins: the quantiles 0, 1/q, ..., 1 of the values, interpolated linearly. The
// arithmetic is numpy's, operation by operation, because an edge that differs in its last bit moves the customers who
// sit on it. Values beyond 2^53 lose their last digits here. There must be at least one value.
func Edges(values []int64, q int) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	edges := make([]float64, q+1)
	step := 1 / float64(q)
	for j := range edges {
		quantile := float64(j) * step
		if j == q {
			quantile = 1
		}
		edges[j] = quantileOf(sorted, quantile)
	}
	return edges
}

// quantileOf interpolates from the nearer neighbour, as numpy's _lerp does.
func quantileOf(sorted []int64, quantile float64) float64 {
	at := quantile * float64(len(sorted)-1)
	below := math.Floor(at)
	t := at - below
	lo := float64(sorted[int(below)])
	hi := float64(sorted[min(int(below)+1, len(sorted)-1)])
	width := hi - lo
	// The explicit conversions forbid fused multiply-add, which would round once where numpy rounds twice.
	if t >= 0.5 {
		return hi - float64(width*(1-t))
	}
	return lo + float64(width*t)
}
