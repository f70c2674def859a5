package notebook

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
)

// Formats, as a report writes them. N is a number of decimals from 0 to 6, CUR the report's currency in small letters.
//
//	text              as it is
//	words             wrong_item -> Wrong item
//	words.lower       wrong_item -> wrong item
//	int               1,234
//	num, num.N        1,234.5 (at most two decimals; exactly N)
//	compact           1.23M, 922K: three digits
//	pct, pct.N        0.431 -> 43.1% (one decimal; N)
//	CUR, CUR.N        SAR 1,234 (no decimals; N)
//	CUR.compact       SAR 1.23M
//	time, minute      20:14:03, 20:14
//	date, datetime    22 Nov 2026, 22 Nov 20:14
//	ago               3 min ago
//	duration          seconds -> 1 h 5 min
//	badge             a word in a coloured pill (tables)
//	bar               a bar as long as the value (tables); joined to another: "pct.1 bar"
type format struct {
	name     string
	decimals int // -1: not said
	bar      bool
	badge    bool
}

var formatNames = []string{"text", "words", "words.lower", "int", "num", "num.2", "compact", "pct", "pct.1", "money", "money.2", "money.compact",
	"time", "minute", "date", "datetime", "ago", "duration", "badge", "bar"}

// parseFormat reads one or more words, such as "sar.2" or "pct.1 bar". The money formats go by the currency's name.
func parseFormat(s, currency string) (format, error) {
	f := format{decimals: -1}
	first := ""
	for _, word := range strings.Fields(s) {
		switch word {
		case "bar":
			f.bar = true
			continue
		case "badge":
			f.badge = true
			continue
		}
		if first != "" {
			return f, fmt.Errorf("%q holds two formats, %q and %q", s, first, word)
		}
		first = word
		if err := f.word(word, strings.ToLower(currency)); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *format) word(word, currency string) error {
	base, arg, dotted := strings.Cut(word, ".")
	name := base
	if base == currency && currency != "" {
		name = "money"
	}
	switch name {
	case "text", "int", "compact", "time", "minute", "date", "datetime", "ago", "duration":
		if !dotted {
			f.name = name
			return nil
		}
	case "words":
		if !dotted || arg == "lower" {
			f.name = word
			return nil
		}
	case "money", "num", "pct":
		if name == "money" && base == "money" {
			break // the currency's own name is the word
		}
		f.name = name
		if !dotted {
			return nil
		}
		if arg == "compact" && name == "money" {
			f.name = "money.compact"
			return nil
		}
		if n, err := strconv.Atoi(arg); err == nil && n >= 0 && n <= 6 {
			f.decimals = n
			return nil
		}
		f.name = ""
	}
	names := make([]string, 0, len(formatNames))
	for _, n := range formatNames {
		if strings.HasPrefix(n, "money") {
			if currency == "" {
				continue
			}
			n = currency + strings.TrimPrefix(n, "money")
		}
		names = append(names, n)
	}
	hint := strictyaml.Suggest(word, names)
	if hint == "" {
		hint = "formats: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("unknown format %q (%s)", word, hint)
}

// money tells whether the currency belongs to the value.
func (f format) money() bool { return f.name == "money" || f.name == "money.compact" }

// or gives the format that suits a column when the report names none.
func (f format) or(c *frame.Column) format {
	if f.name != "" || c == nil {
		return f
	}
	switch c.Kind {
	case frame.Int:
		f.name = "int"
	case frame.Float:
		f.name = "num"
	case frame.Time:
		f.name = "datetime"
	default:
		f.name = "text"
	}
	return f
}

// locale is what formats need to know about the page.
type locale struct {
	currency string
	location *time.Location
	now      time.Time // for "ago"
}

// missing stands for a value that is not there.
const missing = "\u2013"

// value formats value i of a column. Money stands without its currency when bare, for places that name it elsewhere.
func (l locale) value(f format, c *frame.Column, i int, bare bool) string {
	if c == nil || i >= c.Len() || c.IsNull(i) {
		return missing
	}
	f = f.or(c)
	if c.Kind == frame.Time {
		return l.time(f, c.Times[i])
	}
	switch f.name {
	case "text":
		return c.Text(i) // an id is no quantity: no commas
	case "time", "minute", "date", "datetime", "ago":
		if c.Kind == frame.Float || c.Kind == frame.Int {
			return l.number(format{name: "num", decimals: -1}, c.Float(i), bare)
		}
		return c.Text(i)
	case "words":
		return words(c.Text(i))
	case "words.lower":
		return strings.ToLower(words(c.Text(i)))
	}
	v := c.Float(i)
	if c.Kind == frame.String && math.IsNaN(v) {
		return c.Text(i)
	}
	return l.number(f, v, bare)
}

// number formats a number; text formats show it plainly.
func (l locale) number(f format, v float64, bare bool) string {
	if math.IsNaN(v) {
		return missing
	}
	if math.IsInf(v, 0) {
		return signed("\u221e", v < 0)
	}
	unit := ""
	if f.money() && !bare {
		unit = l.currency + "\u00a0"
	}
	switch f.name {
	case "int":
		return comma(v, 0)
	case "compact":
		return compact(v)
	case "pct":
		return comma(v*100, orDecimals(f.decimals, 1)) + "%"
	case "money":
		return unit + comma(v, orDecimals(f.decimals, 0))
	case "money.compact":
		return unit + compact(v)
	case "duration":
		return span(v)
	}
	if f.decimals >= 0 {
		return comma(v, f.decimals)
	}
	s := comma(v, 2)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func orDecimals(n, otherwise int) int {
	if n < 0 {
		return otherwise
	}
	return n
}

func (l locale) time(f format, t time.Time) string {
	t = t.In(l.location)
	switch f.name {
	case "time":
		return t.Format("15:04:05")
	case "minute":
		return t.Format("15:04")
	case "date":
		return t.Format("2 Jan 2006")
	case "ago":
		return ago(l.now.Sub(t))
	default:
		return t.Format("2 Jan 15:04")
	}
}

// zone names the report's zone as an offset, since the letters Go knows for many zones mean nothing to readers.
func (l locale) zone(t time.Time) string {
	_, off := t.In(l.location).Zone()
	if off == 0 {
		return "UTC"
	}
	sign := "+"
	if off < 0 {
		sign, off = "\u2212", -off
	}
	s := fmt.Sprintf("UTC%s%d", sign, off/3600)
	if m := off / 60 % 60; m != 0 {
		s += fmt.Sprintf(":%02d", m)
	}
	return s
}

// words turns an identifier into words: underscores become spaces, the first letter a capital.
func words(s string) string {
	r := []rune(strings.TrimSpace(strings.ReplaceAll(s, "_", " ")))
	if len(r) > 0 {
		r[0] = []rune(strings.ToUpper(string(r[0])))[0]
	}
	return string(r)
}

// comma writes a number with thousands commas, fixed decimals and a true minus sign.
func comma(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, frac, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if frac != "" {
		b.WriteString("." + frac)
	}
	zero := strings.Trim(s, "0.") == ""
	return signed(b.String(), v < 0 && !zero)
}

func signed(s string, negative bool) string {
	if negative {
		return "\u2212" + s
	}
	return s
}

var scales = []struct {
	size float64
	unit string
}{{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "K"}}

// compact writes three digits and a unit: 1.23M, 922K, 12.0K; whole numbers below 1,000 stand as they are.
func compact(v float64) string {
	a := math.Abs(v)
	for _, s := range scales {
		if q := a / s.size; q >= 0.9995 {
			return signed(strconv.FormatFloat(q, 'f', digitsAfter(q), 64)+s.unit, v < 0)
		}
	}
	if a == math.Trunc(a) {
		return comma(v, 0)
	}
	return comma(v, digitsAfter(a))
}

// digitsAfter is how many decimals make three digits in all.
func digitsAfter(v float64) int {
	switch {
	case v >= 99.95:
		return 0
	case v >= 9.995:
		return 1
	}
	return 2
}

// axis is compact without trailing zeros, for ticks: 2.5M, 10M.
func axis(v float64) string {
	s := compact(v)
	unit := strings.TrimLeft(s, "\u22120123456789.,")
	num := strings.TrimSuffix(s, unit)
	if strings.Contains(num, ".") {
		num = strings.TrimSuffix(strings.TrimRight(num, "0"), ".")
	}
	return num + unit
}

// span writes a length of time, given in seconds, in its two largest units.
func span(seconds float64) string {
	d := time.Duration(math.Abs(seconds) * float64(time.Second))
	neg := seconds < 0
	switch {
	case d < time.Second:
		return signed(fmt.Sprintf("%d\u00a0ms", d.Milliseconds()), neg)
	case d < time.Minute:
		return signed(fmt.Sprintf("%d\u00a0s", int(d.Seconds())), neg)
	case d < time.Hour:
		return signed(two(int(d.Minutes()), "min", int(d.Seconds())%60, "s"), neg)
	case d < 48*time.Hour:
		return signed(two(int(d.Hours()), "h", int(d.Minutes())%60, "min"), neg)
	}
	return signed(two(int(d.Hours())/24, "d", int(d.Hours())%24, "h"), neg)
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d\u00a0%s", a, unitA)
	}
	return fmt.Sprintf("%d\u00a0%s\u00a0%d\u00a0%s", a, unitA, b, unitB)
}

// ago says how long before now something was, in its largest unit.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "in the future"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d d ago", int(d.Hours())/24)
}
