package rfm

import (
	"cmp"
	"math/bits"
	"slices"
)

// ranked is a value and its index, which make an order without ties.
type ranked struct {
	value int64
	index int32
}

func (a ranked) less(b ranked) bool {
	return a.value < b.value || a.value == b.value && a.index < b.index
}

const (
	pickBits  = 14  // a histogram of 2^14 buckets, 64 KB
	pickSmall = 256 // so few are sorted
)

// pick returns the values of the given ranks, which are ascending and from 0, as a sort by value and index would place
// them. Each pass counts the values in a histogram and keeps those of the buckets that hold a rank; a bucket narrows by
// 2^14 a pass, so there are at most five.
func pick(values []int64, ranks []int) []ranked {
	if len(ranks) == 0 {
		return nil
	}
	all := make([]ranked, 0, min(len(values), pickSmall))
	if len(values) <= pickSmall {
		for i, v := range values {
			all = append(all, ranked{v, int32(i)})
		}
		return pickOf(all, ranks)
	}
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	h := histogram{least: least, shift: max(0, bits.Len64(uint64(most)-uint64(least))-pickBits)}
	h.counts = make([]int32, h.bucket(most)+1)
	for _, v := range values {
		h.counts[h.bucket(v)]++
	}
	h.find(ranks)
	for i, v := range values {
		if hit := h.hit[h.bucket(v)]; hit > 0 {
			h.kept[hit-1] = append(h.kept[hit-1], ranked{v, int32(i)})
		}
	}
	return h.pick(ranks)
}

// pickOf is pick for values that are some of many, in ascending order of index.
func pickOf(values []ranked, ranks []int) []ranked {
	least, most := values[0].value, values[0].value
	for _, v := range values {
		least, most = min(least, v.value), max(most, v.value)
	}
	if least != most && len(values) > pickSmall {
		h := histogram{least: least, shift: max(0, bits.Len64(uint64(most)-uint64(least))-pickBits)}
		h.counts = make([]int32, h.bucket(most)+1)
		for _, v := range values {
			h.counts[h.bucket(v.value)]++
		}
		h.find(ranks)
		for _, v := range values {
			if hit := h.hit[h.bucket(v.value)]; hit > 0 {
				h.kept[hit-1] = append(h.kept[hit-1], v)
			}
		}
		return h.pick(ranks)
	}
	if least != most {
		slices.SortFunc(values, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.index, b.index))
		})
	}
	out := make([]ranked, len(ranks))
	for i, rank := range ranks {
		out[i] = values[rank]
	}
	return out
}

// histogram counts values by their bits from shift up.
type histogram struct {
	least  int64
	shift  int
	counts []int32

	hit   []uint16   // per bucket: place in kept + 1, 0 when no rank lies in it
	kept  [][]ranked // the values of the buckets that are hit
	below []int      // how many values lie in the buckets below each kept one
}

func (h *histogram) bucket(v int64) uint64 { return (uint64(v) - uint64(h.least)) >> h.shift }

// find marks the buckets that hold a rank.
func (h *histogram) find(ranks []int) {
	h.hit = make([]uint16, len(h.counts))
	below, next := 0, 0
	for bucket, count := range h.counts {
		if next == len(ranks) {
			return
		}
		if ranks[next] < below+int(count) {
			h.kept = append(h.kept, make([]ranked, 0, count))
			h.below = append(h.below, below)
			h.hit[bucket] = uint16(len(h.kept))
			for next < len(ranks) && ranks[next] < below+int(count) {
				next++
			}
		}
		below += int(count)
	}
}

// pick looks for the ranks in the buckets that hold them.
func (h *histogram) pick(ranks []int) []ranked {
	out := make([]ranked, 0, len(ranks))
	for i, kept := range h.kept {
		var inside []int
		for len(ranks) > 0 && ranks[0] < h.below[i]+len(kept) {
			inside = append(inside, ranks[0]-h.below[i])
			ranks = ranks[1:]
		}
		out = append(out, pickOf(kept, inside)...)
	}
	return out
}
