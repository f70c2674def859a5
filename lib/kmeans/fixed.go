package kmeans

import (
	"math"
	"math/bits"
)

// fixed is a sum of integers in 128 bits, two's complement.
type fixed struct {
	high int64
	low  uint64
}

func (f *fixed) add(v int64) {
	low, carry := bits.Add64(f.low, uint64(v), 0)
	f.low, f.high = low, f.high+v>>63+int64(carry)
}

func (f *fixed) plus(g fixed) {
	low, carry := bits.Add64(f.low, g.low, 0)
	f.low, f.high = low, f.high+g.high+int64(carry)
}

func (f *fixed) minus(g fixed) {
	low, borrow := bits.Sub64(f.low, g.low, 0)
	f.low, f.high = low, f.high-g.high-int64(borrow)
}

// float is the value in units of the grid; it is rounded twice, always in the same way.
func (f fixed) float() float64 {
	if f.high < 0 { // without this a small negative sum would be the difference of two great ones
		var zero fixed
		zero.minus(f)
		return -zero.float()
	}
	return float64(float64(f.high)*(1<<64)) + float64(f.low)
}

// grid turns coordinates into integers and back. The greatest coordinate has 62 bits, so that 2^64 of them can be added
// up in 128; what is lost of the smallest is less than the rounding of a float sum would lose.
type grid struct{ up, down float64 }

func newGrid(greatest float64) grid {
	_, exponent := math.Frexp(greatest)
	shift := min(62-exponent, 1000) // beyond it the factor itself has no float64, and squares are 0 anyway
	return grid{up: math.Ldexp(1, shift), down: math.Ldexp(1, -shift)}
}

func (g grid) fix(v float64) int64 { return int64(v * g.up) }

// tally are the sums of coordinates and the counts of points by center.
type tally struct {
	d     int
	sum   []fixed // k*d
	count []int64 // k
}

func newTally(k, d int) *tally {
	return &tally{d: d, sum: make([]fixed, k*d), count: make([]int64, k)}
}

func (t *tally) clear() {
	clear(t.sum)
	clear(t.count)
}

// join adds another tally.
func (t *tally) join(o *tally) {
	for i, s := range o.sum {
		t.sum[i].plus(s)
	}
	for i, n := range o.count {
		t.count[i] += n
	}
}

// means writes the mean of each center's points; a center without points stays where it was.
func (t *tally) means(g grid, old, into []float64) {
	for j, n := range t.count {
		for f := j * t.d; f < (j+1)*t.d; f++ {
			if n > 0 {
				into[f] = t.sum[f].float() / float64(n) * g.down
			} else {
				into[f] = old[f]
			}
		}
	}
}
