package chart

import "math"

// logarithmic makes a scale from lo to hi, both above zero, that gives every power of ten the same length: for values
// that lie far apart, where most would be flat on zero. Its ticks are powers of ten, and 2 and 5 times them where there
// is room for so many. format may be nil.
func logarithmic(lo, hi float64, most int, format func(float64) string) *scale {
	if format == nil {
		format = Compact
	}
	s := &scale{lo: math.Log10(lo), hi: math.Log10(hi), log: true}
	if s.hi-s.lo < 0.3 { // less than double: as much below as above
		middle := (s.lo + s.hi) / 2
		s.lo, s.hi = middle-0.5, middle+0.5
	}
	steps := []float64{1, 2, 5}
	if 3*(s.hi-s.lo) > float64(most) {
		steps = steps[:1]
	}
	// The ends move out to the nearest ticks where these are close, and else a little, so that nothing lies on the edge.
	low, high := outward(s.lo, steps, -1), outward(s.hi, steps, 1)
	margin, far := (s.hi-s.lo)*0.04, (s.hi-s.lo)*0.15
	inside := high-low > 2.5 // there are ticks enough between them
	if s.lo-low <= far || !inside {
		s.lo = low
	} else {
		s.lo -= margin
	}
	if high-s.hi <= far || !inside {
		s.hi = high
	} else {
		s.hi += margin
	}
	every := max(1, int(math.Ceil((s.hi-s.lo)/float64(most))))
	var texts []string
	for power := math.Floor(s.lo); power <= s.hi; power++ {
		if len(steps) == 1 && int(power-math.Floor(s.lo))%every != 0 {
			continue
		}
		for _, k := range steps {
			if at := power + math.Log10(k); at >= s.lo-1e-9 && at <= s.hi+1e-9 {
				v := k * math.Pow(10, power)
				s.ticks = append(s.ticks, tick{at: v})
				texts = append(texts, format(v))
			}
		}
	}
	for i, text := range evenDecimals(texts) {
		s.ticks[i].label.text = text
	}
	return s
}

// outward is the nearest logarithm of a step at or beyond at, up for way 1 and down for -1.
func outward(at float64, steps []float64, way int) float64 {
	floor := math.Floor(at)
	best := math.NaN()
	for _, power := range []float64{floor - 1, floor, floor + 1} {
		for _, k := range steps {
			c := power + math.Log10(k)
			if beyond := (c - at) * float64(way); beyond >= -1e-9 && !(math.Abs(c-at) >= math.Abs(best-at)) {
				best = c
			}
		}
	}
	return best
}

// above counts the values a logarithmic scale has no place for, and returns the column with gaps in their place.
func above(in []float64) (out []float64, lost int) {
	out = make([]float64, len(in))
	for i, v := range in {
		if v <= 0 {
			lost++
			v = math.NaN()
		}
		out[i] = v
	}
	return out, lost
}

// logNote says how many values are left out; empty for none.
func logNote(lost float64) string {
	switch lost {
	case 0:
		return ""
	case 1:
		return "1 value of zero or less is not shown"
	}
	return Grouped(lost) + " values of zero or less are not shown"
}

// positive leaves out of a Spec what its logarithmic axes have no place for, and says in a note how many that are.
func (s Spec) positive() (Spec, string) {
	lost := 0
	drop := func(in []float64) []float64 {
		out, n := above(in)
		lost += n
		return out
	}
	switch s.Kind {
	case Line:
		if !s.LogY {
			break
		}
		clean := make([]Series, len(s.Series))
		for i, one := range s.Series {
			one.Values = drop(one.Values)
			clean[i] = one
		}
		s.Series = clean
	case Scatter:
		if s.LogX {
			s.Xs = drop(s.Xs)
		}
		if s.LogY {
			s.Ys = drop(s.Ys)
		}
	}
	return s, logNote(float64(lost))
}

// joined is two remarks as one.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
