package kmeans

import (
	"fmt"
	"math"
)

// Points are n points of d coordinates, row by row in X.
type Points struct {
	D int
	X []float64
}

// Len is the number of points.
func (p Points) Len() int {
	if p.D == 0 {
		return 0
	}
	return len(p.X) / p.D
}

// At is point i; it shares memory with X.
func (p Points) At(i int) []float64 { return p.X[i*p.D : (i+1)*p.D : (i+1)*p.D] }

// FromColumns joins columns of equal length to points.
func FromColumns(columns ...[]float64) Points {
	p := Points{D: len(columns)}
	if p.D == 0 {
		return p
	}
	p.X = make([]float64, len(columns[0])*p.D)
	for j, column := range columns {
		for i, v := range column {
			p.X[i*p.D+j] = v
		}
	}
	return p
}

// limit is the largest value whose squares can still be added up.
const limit = 1e140

// check refuses shapes and values that have no distance.
func (p Points) check() error {
	if p.D < 1 || len(p.X)%p.D != 0 {
		return fmt.Errorf("%d values are no whole number of points of %d coordinates", len(p.X), p.D)
	}
	for i, v := range p.X {
		if !(math.Abs(v) <= limit) { // NaN is not either
			return fmt.Errorf("coordinate %d of point %d is %v, it must be a number from %g to %g", i%p.D, i/p.D, v, -limit, limit)
		}
	}
	return nil
}

// Standardize scales a column in place to mean 0 and population standard deviation 1 and returns what both were. A
// constant column becomes zeros (its deviation counts as 1).
func Standardize(column []float64) (mean, deviation float64) {
	if len(column) == 0 {
		return 0, 1
	}
	for _, v := range column {
		mean += v
	}
	mean /= float64(len(column))
	sum := 0.0
	for _, v := range column {
		sum += float64((v - mean) * (v - mean))
	}
	deviation = math.Sqrt(sum / float64(len(column)))
	// A column of equal values can leave a rounding error where 0 is meant; dividing by it would blow it up to +-1.
	if deviation <= math.Abs(mean)*1e-14 {
		deviation = 1
	}
	for i, v := range column {
		column[i] = (v - mean) / deviation
	}
	return mean, deviation
}

// Log1p takes log(1+x) of each value in place; what is below 0 counts as 0. Spending and counts span orders of magnitude,
// and without it the clusters are the few greatest customers against all others.
func Log1p(column []float64) {
	for i, v := range column {
		column[i] = math.Log1p(max(v, 0))
	}
}
