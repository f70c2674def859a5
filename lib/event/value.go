package event

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cell is one value of any type.
type cell struct {
	i    int64   // int64, bool (0 or 1), timestamp in microseconds, low half of a decimal
	hi   int64   // high half of a decimal
	f    float64 // float64
	text []byte  // string
}

// fromText reads a value as it is written in a schema: a default, a bound, an accepted value.
func (f *field) fromText(text string) (cell, string) {
	v := []byte(text)
	shown := strconv.Quote(text)
	switch {
	case f.kind == String:
		return f.fromString(v)
	case f.kind == Bool && text == "true":
		return cell{i: 1}, ""
	case f.kind == Bool && text == "false":
		return cell{}, ""
	case f.kind == Bool:
		return cell{}, shown + " is neither true nor false"
	case f.kind == Timestamp && f.epoch < 0:
		return f.fromTime(v, shown)
	}
	return f.fromNumber(v, shown)
}

// fromNumber reads a number of the field's type; shown is how the message has it.
func (f *field) fromNumber(tok []byte, shown string) (c cell, reason string) {
	n, ok := parseNumber(tok)
	if !ok {
		return c, shown + " is not a number"
	}
	switch f.kind {
	case Int64:
		c.i, reason = n.toInt64(0)
	case Timestamp:
		if c.i, reason = n.toInt64(f.epoch); reason == "" && (c.i < minTime || c.i >= endTime) {
			reason = "is outside the years 1 to 9999"
		}
		reason = strings.Replace(reason, "int64", f.Format, 1)
	case Decimal:
		var lo uint64
		c.hi, lo, reason = n.toDecimal(f.Type.Precision, f.scale)
		c.i = int64(lo)
	case Float64:
		var err error
		if c.f, err = strconv.ParseFloat(string(tok), 64); err != nil {
			reason = "does not fit float64"
		}
	}
	if reason != "" {
		return c, shown + " " + reason
	}
	return c, ""
}

func (f *field) fromTime(v []byte, shown string) (c cell, reason string) {
	if c.i, reason = parseTime(v); reason != "" {
		return c, shown + " is not a time: " + reason
	}
	return c, ""
}

// fromString checks a text for what Postgres and the schema would not take.
func (f *field) fromString(v []byte) (cell, string) {
	switch {
	case !utf8.Valid(v):
		return cell{}, "text is not valid UTF-8: " + show(v)
	case bytes.IndexByte(v, 0) >= 0:
		return cell{}, `text holds \u0000, which Postgres cannot store`
	case f.MaxLength > 0 && utf8.RuneCount(v) > f.MaxLength:
		return cell{}, fmt.Sprintf("text has %d characters, %d are allowed", utf8.RuneCount(v), f.MaxLength)
	}
	return cell{text: v}, ""
}

// compare orders two values of the field's type.
func (f *field) compare(a, b cell) int {
	switch f.kind {
	case Float64:
		return cmp.Compare(a.f, b.f)
	case String:
		return bytes.Compare(a.text, b.text)
	case Decimal:
		if c := cmp.Compare(a.hi, b.hi); c != 0 {
			return c
		}
		return cmp.Compare(uint64(a.i), uint64(b.i))
	}
	return cmp.Compare(a.i, b.i)
}

// fits reports whether a value is among the accepted ones and within the bounds.
func (f *field) fits(c cell) bool {
	if f.min != nil && f.compare(c, *f.min) < 0 || f.max != nil && f.compare(c, *f.max) > 0 {
		return false
	}
	if len(f.accept) == 0 {
		return true
	}
	for _, a := range f.accept {
		if f.compare(c, a) == 0 {
			return true
		}
	}
	return false
}

// check says why a value does not fit; shown is how the message has it.
func (f *field) check(c cell, shown string) (reason string) {
	switch {
	case f.fits(c):
		return ""
	case f.min != nil && f.compare(c, *f.min) < 0:
		return fmt.Sprintf("%s is below the minimum %s", shown, *f.Min)
	case f.max != nil && f.compare(c, *f.max) > 0:
		return fmt.Sprintf("%s is above the maximum %s", shown, *f.Max)
	}
	return fmt.Sprintf("%s is not one of %s", shown, strings.Join(f.Accept, ", "))
}

// show gives a piece of a message as a reason quotes it: short, and storable as text.
func show(raw []byte) string {
	const most = 48
	cut := len(raw) > most
	if cut {
		raw = raw[:most]
	}
	s := strings.ReplaceAll(strings.ToValidUTF8(string(raw), "\uFFFD"), "\x00", "\uFFFD")
	if cut {
		s = strings.TrimRight(s, "\uFFFD") + "..."
	}
	return s
}

// exactFloat gives digits / 10^decimals when that is exact in two float64, so that their quotient is the nearest
// float64 too. Source: Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990.
func exactFloat(digits uint64, decimals int) (float64, bool) {
	if digits > 1<<53 || decimals > 22 {
		return 0, false
	}
	return float64(digits) / math.Pow10(decimals), true
}
