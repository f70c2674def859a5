package dict_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tillflow/lib/dict"
)

func Example() {
	var d dict.Texts
	for _, product := range []string{"LAPTOP-001", "PHONE-007", "LAPTOP-001"} {
		fmt.Println(product, d.Code([]byte(product)))
	}
	fmt.Println(d.Values())
	// Output:
	// LAPTOP-001 0
	// PHONE-007 1
	// LAPTOP-001 0
	// [LAPTOP-001 PHONE-007]
}

// The numbers are those a map gives, for texts of all lengths, among them such as share their first and last bytes and
// such as share a slot.
func TestCodesAreThoseOfAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var d dict.Texts
	for round := range 20 {
		codes, values := map[string]uint32{}, []string(nil)
		for range 20_000 {
			text := make([]byte, rng.IntN(20))
			for i := range text {
				text[i] = "ab\x00\xff"[rng.IntN(1+round%4)]
			}
			if rng.IntN(3) == 0 {
				text = fmt.Appendf(text, "%d", rng.IntN(2000))
			}
			want, ok := codes[string(text)]
			if !ok {
				want = uint32(len(values))
				codes[string(text)] = want
				values = append(values, string(text))
			}
			if got := d.Code(text); got != want {
				t.Fatalf("round %d: %q has number %d, want %d", round, text, got, want)
			}
			clear(text) // it is not kept
		}
		if !slices.Equal(d.Values(), values) {
			t.Fatalf("round %d: values are %q, want %q", round, d.Values(), values)
		}
		d.Reset()
		if len(d.Values()) != 0 {
			t.Fatalf("after Reset there are %q", d.Values())
		}
	}
}

func TestKnownTextsAllocateNothing(t *testing.T) {
	var d dict.Texts
	texts := [][]byte{nil, []byte("a"), []byte("STORE-07"), []byte("a product with a long name")}
	for _, text := range texts {
		d.Code(text)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, text := range texts {
			d.Code(text)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTexts(b *testing.B) {
	for _, c := range []struct {
		distinct int
		format   string
	}{{50, "K%05d"}, {50, "LAPTOP-%03d"}, {10_000, "CUST-%05d"}, {50, "a product with a long name %d"}} {
		b.Run(fmt.Sprintf("distinct=%d/text=%s", c.distinct, fmt.Sprintf(c.format, 0)), func(b *testing.B) {
			texts := make([][]byte, 50_000)
			for i := range texts {
				texts[i] = fmt.Appendf(nil, c.format, i*7919%c.distinct)
			}
			var d dict.Texts
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					d.Code(text)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(texts))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
