package chart

import (
	"math"
	"strconv"
	"strings"
)

const minus = "\u2212" // the true minus sign, as wide as a digit

// Compact prints a number in three significant digits with K, M, B or T: 1234567 is 1.23M, 922000 is 922K. Whole numbers
// below 1,000 keep no decimals.
func Compact(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	a, unit := math.Abs(v), ""
	for _, u := range []struct {
		from, by float64
		name     string
	}{{999.5e9, 1e12, "T"}, {999.5e6, 1e9, "B"}, {999.5e3, 1e6, "M"}, {999.5, 1e3, "K"}} {
		if a >= u.from {
			a, unit = a/u.by, u.name
			break
		}
	}
	var digits string
	switch {
	case unit == "" && a == math.Trunc(a):
		digits = strconv.FormatFloat(a, 'f', 0, 64)
	case a >= 1e5 || (a != 0 && a < 1e-4):
		digits = strconv.FormatFloat(a, 'g', 3, 64)
	case a >= 99.95:
		digits = strconv.FormatFloat(a, 'f', 0, 64)
	case a >= 9.995:
		digits = strconv.FormatFloat(a, 'f', 1, 64)
	case a >= 1 || unit != "": // 999.7 is 1.00K
		digits = strconv.FormatFloat(a, 'f', 2, 64)
	default:
		digits = strconv.FormatFloat(a, 'g', 3, 64)
	}
	return signed(v, digits) + unit
}

// Grouped prints a number in full with commas: 9107939 is 9,107,939. Fractions keep at most two decimals.
func Grouped(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	a := math.Abs(v)
	if a >= 1e15 || (a != 0 && a < 0.005) {
		return signed(v, strconv.FormatFloat(a, 'g', 4, 64))
	}
	return signed(v, comma(strings.TrimSuffix(strconv.FormatFloat(a, 'f', 2, 64), ".00")))
}

// comma groups the digits before the point by thousands.
func comma(digits string) string {
	whole, fraction, found := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return whole
}

// axisFormat gives ticks one unit and one count of decimals, as fine as their step: 0, 0.5M, 1.0M.
func axisFormat(step, largest float64) func(float64) string {
	by, unit := 1.0, ""
	switch {
	case largest >= 1e15 || step < 1e-12:
		return Compact
	case largest >= 2e12:
		by, unit = 1e12, "T"
	case largest >= 2e9:
		by, unit = 1e9, "B"
	case largest >= 2e6:
		by, unit = 1e6, "M"
	case largest >= 2e3:
		by, unit = 1e3, "K"
	}
	decimals := 0
	for s := step / by; decimals < 14 && math.Abs(s-math.Round(s)) > 1e-6*s; decimals++ {
		s *= 10
	}
	return func(v float64) string {
		if v == 0 {
			return "0"
		}
		return signed(v, comma(strconv.FormatFloat(math.Abs(v)/by, 'f', decimals, 64))) + unit
	}
}

// evenDecimals takes the zeros at the end of fractions away that no tick of an axis needs: "5.00M" and "7.50M" become
// "5.0M" and "7.5M". The formats of a report print three digits for every value, which is one too many on ticks.
func evenDecimals(labels []string) []string {
	needed := 0
	parts := make([][3]string, len(labels)) // before the point, fraction, after it
	for i, l := range labels {
		before, rest, found := strings.Cut(l, ".")
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		switch {
		case !found:
			parts[i] = [3]string{l}
			continue
		case before == "" || end == 0 || strings.Contains(rest, ".") || strings.Contains(rest, "e"):
			return labels // not one plain number: leave it
		}
		parts[i] = [3]string{before, rest[:end], rest[end:]}
		needed = max(needed, len(strings.TrimRight(rest[:end], "0")))
	}
	out := make([]string, len(labels))
	for i, p := range parts {
		switch keep := p[1][:min(len(p[1]), needed)]; {
		case keep == "":
			out[i] = p[0] + p[2]
		default:
			out[i] = p[0] + "." + keep + p[2]
		}
	}
	return out
}

func signed(v float64, digits string) string {
	if v < 0 && strings.Trim(digits, "0.,") != "" {
		return minus + digits
	}
	return digits
}

// percent prints a share of 0 to 1 with one decimal.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

// px prints a position with one decimal, the precision that still looks exact on a screen of three pixels per px.
// Positions are most of a chart, and whole tenths print several times faster than floats.
func px(b []byte, v float64) []byte {
	tenths := int64(math.Round(v * 10))
	if tenths < 0 {
		b, tenths = append(b, '-'), -tenths
	}
	b = strconv.AppendInt(b, tenths/10, 10)
	if d := tenths % 10; d != 0 {
		b = append(b, '.', '0'+byte(d))
	}
	return b
}
