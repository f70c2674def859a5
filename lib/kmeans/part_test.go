package kmeans

import (
	"math/rand/v2"
	"testing"
)

// Whatever the number of items and however they fall, all are still there, those up to the middle first.
func TestPart(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 8))
	for n := range 700 {
		items := make([]item, n)
		share := rng.Float64()
		want := 0
		for i := range items {
			items[i] = item{vec{0, 2, 9}, int32(i)}
			if rng.Float64() < share {
				items[i].at[1] = float64(rng.IntN(2)) // 1 is the middle
				want++
			}
		}
		if got := part(items, 1, 1); got != want {
			t.Fatalf("%d items: %d are up to the middle, want %d", n, got, want)
		}
		seen := make([]bool, n)
		for i, it := range items {
			if seen[it.index] || (it.at[1] <= 1) != (i < want) {
				t.Fatalf("%d items, %d up to the middle: item %d is %v", n, want, i, it)
			}
			seen[it.index] = true
		}
	}
}
