package rfm

import (
	"fmt"
	"math"
	"slices"
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
// Cost: O(n*q), without a sort, and at most 16 bytes a value.
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
	bins := make([]uint8, n)
	if n == 0 {
		return bins
	}
	// The last value of each bin but the highest; a value is one bin further for each of them that it is above.
	ranks := make([]int, q-1)
	for b := range ranks {
		ranks[b] = (b + 1) * (n - 1) / q // the highest rank i with ceil(q*i/(n-1)) <= b+1
	}
	last := pick(values, ranks)
	for i, v := range values {
		bin, key := uint8(1), ranked{v, int32(i)}
		for _, l := range last {
			if l.less(key) {
				bin++
			}
		}
		bins[i] = bin
	}
	return bins
}

func binsByValue(values []int64, q int) []uint8 {
	bins := make([]uint8, len(values))
	if len(values) == 0 {
		return bins
	}
	// A value's bin is the first edge not below it; the minimum itself sits on edge 0 and joins bin 1.
	inner := Edges(values, q)[1:q]
	for i, v := range values {
		bin, x := uint8(1), float64(v)
		for _, edge := range inner {
			if edge < x {
				bin++
			}
		}
		bins[i] = bin
	}
	return bins
}

// Edges returns the q+1 edges of q bins: the quantiles 0, 1/q, ..., 1 of the values, interpolated linearly. The
// arithmetic is numpy's, operation by operation, because an edge that differs in its last bit moves the customers who
// sit on it. Values beyond 2^53 lose their last digits here. There must be at least one value.
func Edges(values []int64, q int) []float64 {
	n := len(values)
	step := 1 / float64(q)
	at := make([]float64, q+1) // where among the sorted values an edge lies
	var ranks []int
	for j := range at {
		quantile := float64(j) * step
		if j == q {
			quantile = 1
		}
		at[j] = quantile * float64(n-1)
		below := int(math.Floor(at[j]))
		ranks = append(ranks, below, min(below+1, n-1))
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	sorted := pick(values, ranks)
	edges := make([]float64, q+1)
	for j := range edges {
		below := int(math.Floor(at[j]))
		lo, _ := slices.BinarySearch(ranks, below)
		hi, _ := slices.BinarySearch(ranks, min(below+1, n-1))
		edges[j] = between(float64(sorted[lo].value), float64(sorted[hi].value), at[j]-float64(below))
	}
	return edges
}

// between interpolates from the nearer neighbour, as numpy's _lerp does; t is 0 at lo and 1 at hi.
func between(lo, hi, t float64) float64 {
	width := hi - lo
	// The explicit conversions forbid fused multiply-add, which would round once where numpy rounds twice.
	if t >= 0.5 {
		return hi - float64(width*(1-t))
	}
	return lo + float64(width*t)
}
