package kmeans

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// Sums of 128 bits against sums of any size.
func TestFixedEqualsBig(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(15, 16))
	for range 200 {
		var sum, half fixed
		want := new(big.Int)
		for i := range 1 + rng.IntN(1000) {
			v := rng.Int64() - rng.Int64()
			if rng.IntN(3) == 0 {
				v >>= rng.IntN(63)
			}
			want.Add(want, big.NewInt(v))
			if i%2 == 0 {
				sum.add(v)
			} else {
				half.add(v)
			}
		}
		sum.plus(half)
		exact, _ := new(big.Float).SetInt(want).Float64()
		if got := sum.float(); math.Abs(got-exact) > math.Abs(exact)*0x1p-51 {
			t.Fatalf("the sum is %v, want %v", got, exact)
		}
		sum.minus(half)
		sum.minus(sum)
		if sum != (fixed{}) {
			t.Fatalf("a sum less itself is %v", sum)
		}
	}
	for _, v := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, -5} {
		var f fixed
		f.add(v)
		if f.float() != float64(v) {
			t.Errorf("%d comes back as %v", v, f.float())
		}
	}
}

func TestGridKeepsCoordinates(t *testing.T) {
	t.Parallel()
	for _, greatest := range []float64{0, 1e-200, 1e-9, 1, 3.99, 4, 1e140} {
		g := newGrid(greatest)
		for _, v := range []float64{greatest, -greatest, greatest / 3, -greatest / 500} {
			var f fixed
			f.add(g.fix(v))
			if got := f.float() * g.down; math.Abs(got-v) > math.Abs(v)*0x1p-52 {
				t.Errorf("with %v as the greatest, %v comes back as %v", greatest, v, got)
			}
		}
	}
}
