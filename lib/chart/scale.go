package chart

import (
	"fmt"
	"math"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// tickLabel is the text of a tick. full is the whole name of a text that was cut, else empty; strong marks a new day.
type tickLabel struct {
	text, full string
	second     string // another line below, x axis only
	strong     bool
}

type tick struct {
	at    float64
	label tickLabel
}

// scale is a gochart.Range with ticks of its own and exact positions. It must bring the ticks itself: go-chart's
// Axis.Ticks would override the range, read the wrong axis' ticks, and draw data outside of them.
type scale struct {
	lo, hi float64 // lo < hi; on a logarithmic scale their logarithms to base 10
	log    bool
	ticks  []tick
	domain int // px, set by go-chart once the axes are laid out
}

func (s *scale) String() string          { return fmt.Sprintf("scale(%g..%g)", s.lo, s.hi) }
func (s *scale) IsZero() bool            { return false }
func (s *scale) GetMin() float64         { return s.lo }
func (s *scale) SetMin(float64)          {}
func (s *scale) GetMax() float64         { return s.hi }
func (s *scale) SetMax(float64)          {}
func (s *scale) GetDelta() float64       { return s.hi - s.lo }
func (s *scale) GetDomain() int          { return s.domain }
func (s *scale) SetDomain(px int)        { s.domain = px }
func (s *scale) IsDescending() bool      { return false }
func (s *scale) Translate(v float64) int { return int(math.Round(s.at(v))) }

// at is the distance of a value from the low end, in px.
func (s *scale) at(v float64) float64 { return s.part(v) * float64(s.domain) }

// part is the same as a part of the whole length.
func (s *scale) part(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return (v - s.lo) / (s.hi - s.lo)
}

// value is what lies at a part of the whole length.
func (s *scale) value(part float64) float64 {
	v := s.lo + (s.hi-s.lo)*part
	if s.log {
		return math.Pow(10, v)
	}
	return v
}

// GetTicks makes scale a gochart.TicksProvider.
func (s *scale) GetTicks(gochart.Renderer, gochart.Style, gochart.ValueFormatter) []gochart.Tick {
	out := make([]gochart.Tick, len(s.ticks))
	for i, t := range s.ticks {
		out[i] = gochart.Tick{Value: t.at, Label: t.label.text}
	}
	return out
}

func (s *scale) labels() []tickLabel {
	out := make([]tickLabel, len(s.ticks))
	for i, t := range s.ticks {
		out[i] = t.label
	}
	return out
}

// extent is the span of the finite values of several columns. ok is false when there are none; whole says that all of
// them are integers.
func extent(columns ...[]float64) (lo, hi float64, whole, ok bool) {
	lo, hi, whole = math.Inf(1), math.Inf(-1), true
	for _, c := range columns {
		for _, v := range c {
			if math.IsNaN(v) {
				continue
			}
			lo, hi = min(lo, v), max(hi, v)
			whole = whole && v == math.Trunc(v)
		}
	}
	return lo, hi, whole, lo <= hi
}

// number makes a scale that holds lo to hi and has round ticks at 1, 2, 2.5 or 5 times a power of ten, most of them at
// most. Whole numbers get no ticks between them. format may be nil.
func number(lo, hi float64, whole bool, most int, format func(float64) string) *scale {
	if size := max(math.Abs(lo), math.Abs(hi)); hi-lo <= 1e-9*size || hi-lo < 1e-250 {
		// All values are equal, or so close that their difference is rounding: show them against zero.
		switch {
		case hi > 0:
			lo = 0
		case lo < 0:
			hi = 0
		default:
			hi = 1
		}
	}
	step := roundStep(lo, hi, whole, most)
	first, last := math.Floor(lo/step+1e-9), math.Ceil(hi/step-1e-9)
	s := &scale{lo: first * step, hi: last * step}
	if format == nil {
		format = axisFormat(step, max(math.Abs(s.lo), math.Abs(s.hi)))
	}
	var texts []string
	for k := first; k <= last; k++ {
		texts = append(texts, format(k*step))
	}
	for i, text := range evenDecimals(texts) {
		s.ticks = append(s.ticks, tick{(first + float64(i)) * step, tickLabel{text: text}})
	}
	return s
}

// roundStep picks the step with 4 ticks or more, and at most most, that leaves the least empty room at the ends; of equal
// ones the finer. Where none gives 4, the one with the most ticks.
func roundStep(lo, hi float64, whole bool, most int) float64 {
	power := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(most))))
	best, bestWaste, bestCount := 0.0, math.Inf(1), 0
	for _, k := range []float64{1, 2, 2.5, 5, 10, 20, 25, 50, 100} {
		step := k * power
		if whole && step != math.Trunc(step) {
			continue
		}
		span := math.Ceil(hi/step-1e-9) - math.Floor(lo/step+1e-9)
		count, waste := int(span)+1, span*step/(hi-lo)
		if count > most {
			continue
		}
		better := waste < bestWaste-0.05
		if few := bestCount < 4; few || count < 4 {
			better = few && count > bestCount
		}
		if better {
			best, bestWaste, bestCount = step, waste, count
		}
	}
	if best == 0 { // whole numbers below the power: one tick per number, or the ends alone
		best = max(1, math.Ceil((hi-lo)/float64(most-1)))
	}
	return best
}

// slots makes a scale of n equal places with a label in the middle of each. down counts from the high end, for bars that
// lie: the first is on top.
func slots(labels []tickLabel, down bool) *scale {
	n := float64(len(labels))
	s := &scale{lo: 0, hi: n}
	for i, l := range labels {
		at := float64(i) + 0.5
		if down {
			at = n - at
		}
		s.ticks = append(s.ticks, tick{at, l})
	}
	return s
}
