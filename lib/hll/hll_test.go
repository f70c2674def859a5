package hll

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func encoded(t testing.TB, s *Sketch) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The error is what the paper says: over many sets of one size, the root of the mean square is 1.6 %, and none is far off.
func TestEstimatesAgainstExactCounts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 10, 100, 1000, 3000, 10_000, 30_000, 200_000} {
		sets := min(300, 2_000_000/n)
		squares, bias, worst := 0.0, 0.0, 0.0 // relative; worst leaves out the one value that two on a register cost
		for range sets {
			var s Sketch
			base := rng.Int64N(1 << 40)
			for i := range n {
				s.Add(Int64(base + int64(i)))
			}
			e := float64(s.Estimate()-int64(n)) / float64(n)
			squares, bias, worst = squares+e*e, bias+e, max(worst, math.Abs(e)-1/float64(n))
		}
		rms := math.Sqrt(squares / float64(sets))
		bias /= float64(sets)
		t.Logf("%d values, %d sets: error %.2f %%, bias %.2f %%, worst %.2f %%", n, sets, 100*rms, 100*bias, 100*worst)
		if limit := 1.04 / math.Sqrt(registers) * 1.25; rms > limit || worst > 5*1.04/math.Sqrt(registers) {
			t.Errorf("%d values: error %.4f, worst %.4f, want below %.4f", n, rms, worst, limit)
		}
		if n <= 10 && rms > 0.01 {
			t.Errorf("%d values: error %.4f", n, rms)
		}
	}
}

func TestTextsAreHashedAsWell(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"%d", "C%05d", "CUST-%d", "%d@example.org"} {
		var s Sketch
		for i := range 50_000 {
			s.Add(Text(fmt.Sprintf(form, i)))
			s.Add(Text([]byte(fmt.Sprintf(form, i)))) // again
		}
		if got := float64(s.Estimate()); math.Abs(got/50_000-1) > 0.05 {
			t.Errorf("%s: %v of 50000", form, got)
		}
	}
}

// However a set is cut up, repeated and merged, the bytes are the same.
func TestBytesDependOnTheSetAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		values := make([]int64, 1+rng.IntN(1<<(1+rng.IntN(13))))
		for i := range values {
			values[i] = rng.Int64()
		}
		var whole Sketch
		for _, v := range values {
			whole.Add(Int64(v))
		}
		parts := make([]Sketch, 1+rng.IntN(5))
		for range 3 {
			rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
			for _, v := range values {
				parts[rng.IntN(len(parts))].Add(Int64(v))
			}
			for _, v := range values[:len(values)/2] {
				parts[0].Add(Int64(v))
			}
		}
		var merged Sketch
		for _, i := range rng.Perm(len(parts)) {
			var p Sketch
			if err := p.UnmarshalBinary(encoded(t, &parts[i])); err != nil {
				t.Fatal(err)
			}
			merged.Merge(&p)
		}
		if !bytes.Equal(encoded(t, &whole), encoded(t, &merged)) {
			t.Fatalf("seed %d: %d values in %d parts give other bytes", seed, len(values), len(parts))
		}
		if whole.Estimate() != merged.Estimate() {
			t.Fatalf("seed %d: estimates differ", seed)
		}
	}
}

func TestBytesThatAreNoSketch(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"cut":                    {0, 1},
		"register_too_high":      {255, 0, 1},
		"value_0":                {0, 0, 0},
		"value_too_high":         {0, 0, rank + 2},
		"not_ascending":          {0, 2, 1, 0, 1, 1},
		"register_twice":         {0, 2, 1, 0, 2, 1},
		"dense_but_nearly_empty": make([]byte, registers),
		"dense_value_too_high":   bytes.Repeat([]byte{rank + 2}, registers),
		"too_long":               make([]byte, registers+2),
	} {
		if err := new(Sketch).UnmarshalBinary(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	var s Sketch
	s.Add(0) // every bit after the register is 0
	s.Add(math.MaxUint64)
	if got := encoded(t, &s); !bytes.Equal(got, []byte{0, 0, rank + 1, 0x0f, 0xff, 1}) {
		t.Errorf("bytes %v", got)
	}
	s.Reset()
	if len(encoded(t, &s)) != 0 || s.Estimate() != 0 {
		t.Error("an emptied sketch is not empty")
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte{0, 1, 2})
	f.Add(bytes.Repeat([]byte{3}, registers))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Sketch
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if !bytes.Equal(encoded(t, &s), b) {
			t.Error("the bytes came back other")
		}
		s.Merge(&s)
		if s.Estimate() < 0 {
			t.Error("fewer than none")
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	var s Sketch
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Add(Int64(int64(i)))
	}
}
