// Package hll counts distinct values in a few kilobytes: HyperLogLog.
//
// It exists because a window cannot keep every customer it has seen, and a plain count of distinct values cannot be
// merged: two partitions that saw the same customer would count her twice. Sketches merge. A sketch depends only on the
// set of values it was given: not on their order, nor on how often each came, nor on which sketches were merged in
// which order to get it. Equal sets give equal bytes.
//
// The standard error of an estimate is 1.04/sqrt(4096) = 1.6 %: two of three estimates are within 1.6 %, 95 of 100
// within 3.3 %, practically all within 5 %. Up to about forty values an estimate is mostly exact, and else off by one.
//
// Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", AofA 2007 (registers, merging, the error); Heule,
// Nunkesser, Hall, "HyperLogLog in Practice", EDBT 2013 (64-bit hashes, the sparse form); Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017, algorithm 6 (the estimator, unbiased over the
// whole range without Heule's tables). The sparse form here has no higher precision than the dense one, so that a
// sketch is a function of its set alone.
package hll

import (
	"errors"
	"math"
	"math/bits"
	"slices"
)

const (
	precision = 12
	registers = 1 << precision
	// rank is how far the bits of a hash that are not in the register's number count: 0 to rank+1.
	rank = 64 - precision
	// maxSparse is up to how many registers that are set the sparse form is no longer than the dense one.
	maxSparse = registers / 3
)

// Sketch is the sketch of a set. The zero value is the empty set. It is used by one goroutine at a time.
type Sketch struct {
	sparse []uint32 // register << 8 | value, ascending; when dense is nil
	dense  []byte   // a value per register
}

// Add adds a value by its hash; Int64 and Text make one. Cost: a step when the sketch is dense, a search and now and
// then a move of at most 5 KB when it is sparse.
func (s *Sketch) Add(hash uint64) {
	s.raise(uint32(hash>>rank), byte(min(bits.LeadingZeros64(hash<<precision), rank)+1))
}

// raise sets a register to at least value, which is not 0.
func (s *Sketch) raise(register uint32, value byte) {
	if s.dense != nil {
		s.dense[register] = max(s.dense[register], value)
		return
	}
	i, _ := slices.BinarySearch(s.sparse, register<<8)
	switch {
	case i < len(s.sparse) && s.sparse[i]>>8 == register:
		s.sparse[i] = max(s.sparse[i], register<<8|uint32(value))
	case len(s.sparse) < maxSparse:
		s.sparse = slices.Insert(s.sparse, i, register<<8|uint32(value))
	default:
		s.dense = make([]byte, registers)
		for _, e := range s.sparse {
			s.dense[e>>8] = byte(e)
		}
		s.sparse = nil
		s.dense[register] = value
	}
}

// Merge makes s the sketch of the union of both sets. o stays as it is.
func (s *Sketch) Merge(o *Sketch) {
	for _, e := range o.sparse {
		s.raise(e>>8, byte(e))
	}
	for r, v := range o.dense {
		if v > 0 {
			s.raise(uint32(r), v)
		}
	}
}

// Estimate returns about how many values the set has.
func (s *Sketch) Estimate() int64 {
	var count [rank + 2]float64 // how many registers have each value
	for _, e := range s.sparse {
		count[e&0xff]++
	}
	for _, v := range s.dense {
		count[v]++
	}
	if s.dense == nil {
		count[0] = float64(registers - len(s.sparse))
	}
	const m = float64(registers)
	z := m * tau(1-count[rank+1]/m)
	for k := rank; k >= 1; k-- {
		z = 0.5 * (z + count[k])
	}
	z += m * sigma(count[0]/m)
	return int64(math.Round(m * m / (2 * math.Ln2 * z)))
}

// sigma is x + sum over k >= 1 of x^(2^k) * 2^(k-1).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	for y, z := 1.0, x; ; {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

// tau is (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 * 2^-k) / 3.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for y, z := 1.0, 1-x; ; {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}

// MarshalBinary gives the sketch's bytes: three for each register that is set (its number, then its value), or 4,096,
// one for each register, when that is shorter. The empty set has none, and they are never nil. The error is always nil.
func (s *Sketch) MarshalBinary() ([]byte, error) { return s.AppendBinary([]byte{}) }

// AppendBinary appends what MarshalBinary gives to b. The error is always nil.
func (s *Sketch) AppendBinary(b []byte) ([]byte, error) {
	for _, e := range s.sparse {
		b = append(b, byte(e>>16), byte(e>>8), byte(e))
	}
	return append(b, s.dense...), nil
}

var errBytes = errors.New("hll: these bytes are no sketch")

// UnmarshalBinary makes s the sketch of these bytes, which it does not keep.
func (s *Sketch) UnmarshalBinary(b []byte) error {
	*s = Sketch{}
	if len(b) == registers {
		set := 0
		for _, v := range b {
			if v > rank+1 {
				return errBytes
			}
			if v > 0 {
				set++
			}
		}
		if set <= maxSparse {
			return errBytes
		}
		s.dense = slices.Clone(b)
		return nil
	}
	if len(b)%3 != 0 || len(b) > 3*maxSparse {
		return errBytes
	}
	sparse := make([]uint32, 0, len(b)/3)
	last := -1
	for i := 0; i < len(b); i += 3 {
		e := uint32(b[i])<<16 | uint32(b[i+1])<<8 | uint32(b[i+2])
		if r := int(e >> 8); r <= last || r >= registers || byte(e) == 0 || byte(e) > rank+1 {
			return errBytes
		}
		last = int(e >> 8)
		sparse = append(sparse, e)
	}
	s.sparse = sparse
	return nil
}

// Reset makes s the empty set and keeps its memory where it can.
func (s *Sketch) Reset() { s.sparse, s.dense = s.sparse[:0], nil }
