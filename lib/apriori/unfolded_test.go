package apriori

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Folded or not, baskets give the same sets.
func TestUnfoldedEqualsFolded(t *testing.T) {
	t.Parallel()
	many := manyBaskets(t)
	cases := []*Baskets{many}
	rng := rand.New(rand.NewPCG(15, 16))
	for range 40 {
		cases = append(cases, randomBaskets(t, rng, 1+rng.IntN(400), 1+rng.IntN(30)))
	}
	for _, b := range cases {
		o := Options{MinSupport: 0.1, Workers: 1 + rng.IntN(3)}.withDefaults()
		if b == many {
			o.MinSupport = 0.001
		}
		f := frequentItems(b, MinCount(o.MinSupport, b.Len()))
		mine := func(r *ranked[uint16]) string {
			sets, _, err := r.mine(t.Context(), o, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return dump(sets)
		}
		plain, folded := unfolded[uint16](b, f, o.Workers), rewrite[uint16](b, f, o.Workers)
		if b == many && len(plain.chunks) < 3 {
			t.Errorf("%d chunks: the case is too easy", len(plain.chunks))
		}
		if diff := cmp.Diff(mine(folded), mine(plain)); diff != "" {
			t.Fatalf("%d baskets (-folded +unfolded):\n%s", b.Len(), diff)
		}
	}
}
