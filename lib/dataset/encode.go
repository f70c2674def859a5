package dataset

import (
	"cmp"
	"encoding/binary"
	"slices"

	"tillflow/lib/dict"
)

// Encode numbers the distinct values in ascending order, text by its bytes: values[i] is distinct[codes[i]]. It looks up
// each value once, and sorts the distinct ones.
func Encode[T cmp.Ordered](values []T) (distinct []T, codes []int32) {
	if texts, ok := any(values).([]string); ok {
		names, codes := encodeTexts(texts)
		return any(names).([]T), codes
	}
	seen := make(map[T]int32)
	codes = make([]int32, len(values))
	for i, v := range values {
		code, ok := seen[v]
		if !ok {
			code = int32(len(distinct))
			seen[v] = code
			distinct = append(distinct, v)
		}
		codes[i] = code
	}
	order := make([]int32, len(distinct)) // of the codes so far
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(distinct[a], distinct[b]) })
	return arrange(distinct, codes, order)
}

func encodeTexts(values []string) (distinct []string, codes []int32) {
	var seen dict.Texts
	codes = make([]int32, len(values))
	for i, v := range values {
		if i > 0 && v == values[i-1] { // the lines of an order
			codes[i] = codes[i-1]
			continue
		}
		codes[i] = int32(seen.Of(v))
	}
	distinct = seen.Values()
	return arrange(distinct, codes, textOrder(distinct))
}

// textOrder is the order of distinct texts by their bytes. Most are told apart by the first bytes that they do not all
// share, without a look at the texts.
func textOrder(texts []string) []int32 {
	type keyed struct {
		key  uint64
		text int32
	}
	keys := make([]keyed, len(texts))
	shared := commonPrefix(texts)
	for i, text := range texts {
		var first [8]byte
		copy(first[:], text[shared:])
		keys[i] = keyed{binary.BigEndian.Uint64(first[:]), int32(i)}
	}
	slices.SortFunc(keys, func(a, b keyed) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return cmp.Compare(texts[a.text], texts[b.text])
	})
	order := make([]int32, len(keys))
	for i, k := range keys {
		order[i] = k.text
	}
	return order
}

// commonPrefix is how many bytes all texts begin with in common.
func commonPrefix(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	n := len(texts[0])
	for _, text := range texts {
		n = min(n, len(text))
		for text[:n] != texts[0][:n] {
			n--
		}
	}
	return n
}

// arrange renumbers what was numbered as it came; order lists those numbers in the order of the values.
func arrange[T any](values []T, codes, order []int32) (sorted []T, renumbered []int32) {
	sorted, place := make([]T, len(values)), make([]int32, len(values))
	for i, code := range order {
		sorted[i], place[code] = values[code], int32(i)
	}
	for i, code := range codes {
		codes[i] = place[code]
	}
	return sorted, codes
}
