package hll

// Hashes must be the same in every process and every version, for sketches are stored and merged later.

// Int64 hashes a number: the finalizer of SplitMix64, which takes each number to another one.
// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
func Int64(v int64) uint64 {
	h := uint64(v) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Text hashes a text: FNV-1a, whose high bits are weak for short texts, and then Int64's mixing.
func Text[T string | []byte](s T) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return Int64(int64(h))
}
