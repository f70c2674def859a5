package csvfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tillflow/lib/event"
	"tillflow/lib/strictyaml"
)

// Type is the type of a column: those of an event's fields, and date.
type Type struct {
	event.Type
	Date bool // then Type is zero
}

// UnmarshalText reads int64, float64, decimal(p,s), string, bool, timestamp or date.
func (t *Type) UnmarshalText(text []byte) error {
	if string(text) == "date" {
		*t = Type{Date: true}
		return nil
	}
	if err := t.Type.UnmarshalText(text); err != nil {
		return fmt.Errorf("%s", strings.Replace(err.Error(), "bool or timestamp", "bool, timestamp or date", 1))
	}
	t.Date = false
	return nil
}

// String gives the type as it is written in a dagfile.
func (t Type) String() string {
	if t.Date {
		return "date"
	}
	return t.Type.String()
}

// MarshalText gives the type as it is written in a dagfile.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// JSONSchema describes the types.
func (t *Type) JSONSchema() strictyaml.Schema {
	return strictyaml.Schema{"type": "string", "pattern": `^(int64|float64|string|bool|timestamp|date|decimal\( *\d+ *, *\d+ *\))$|\$\{`}
}

// SQL is the type of a Postgres column that holds it.
func (t Type) SQL() string {
	if t.Date {
		return "date"
	}
	switch t.Kind {
	case event.Int64:
		return "bigint"
	case event.Float64:
		return "double precision"
	case event.Decimal:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case event.Bool:
		return "boolean"
	case event.Timestamp:
		return "timestamp"
	default:
		return "text"
	}
}

// Append appends a cell in one form, which is JSON's for numbers and booleans and Postgres' for all: 1.50, true,
// 2026-01-31 18:00:00 (UTC), 2026-01-31. Text stands as it is. White space around anything but text is passed over.
// reason says what is wrong with the cell, as a part of a sentence; then nothing is appended.
func (t Type) Append(dst []byte, cell string) (out []byte, reason string) {
	if t.Kind == event.String {
		switch {
		case strings.IndexByte(cell, 0) >= 0:
			return dst, "holds a zero byte, which is no text"
		case !utf8.ValidString(cell):
			return dst, show(cell) + " is not UTF-8"
		}
		return append(dst, cell...), ""
	}
	s := strings.TrimSpace(cell)
	switch {
	case t.Date:
		day, rest, ok := parseDay(s)
		if !ok || rest != "" {
			return dst, show(cell) + " is not a date such as 2026-01-31"
		}
		return appendDay(dst, day), ""
	case t.Kind == event.Timestamp:
		micros, ok := ParseTime(s)
		if !ok {
			return dst, show(cell) + " is not a time such as 2026-01-31 18:00 or 2026-01-31T18:00:00Z"
		}
		return AppendTime(dst, micros), ""
	case t.Kind == event.Bool:
		switch strings.ToLower(s) {
		case "true", "t", "yes", "1":
			return append(dst, "true"...), ""
		case "false", "f", "no", "0":
			return append(dst, "false"...), ""
		}
		return dst, show(cell) + " is not true or false"
	case t.Kind == event.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err == nil:
			return strconv.AppendInt(dst, n, 10), ""
		case strings.Contains(err.Error(), "out of range"):
			return dst, show(cell) + " does not fit int64"
		}
		return dst, show(cell) + " is not a whole number"
	}
	whole, fraction, exponent, negative, ok := digits(s)
	switch {
	case !ok:
		return dst, show(cell) + " is not a number"
	case t.Kind == event.Float64:
		// What is too small becomes 0 in Go; Postgres refuses it, and so do we.
		if f, err := strconv.ParseFloat(s, 64); err != nil || f == 0 && strings.Trim(whole+fraction, "0") != "" {
			return dst, show(cell) + " does not fit float64"
		}
		return appendNumber(dst, whole, fraction, exponent, negative), ""
	case exponent != "":
		return dst, show(cell) + " is not a plain decimal number"
	case len(strings.TrimRight(fraction, "0")) > t.Scale:
		return dst, fmt.Sprintf("%s has more than %d digits after the point", show(cell), t.Scale)
	case len(whole) > t.Precision-t.Scale && whole != "0":
		return dst, fmt.Sprintf("%s does not fit %s", show(cell), t)
	}
	return appendNumber(dst, whole, fraction[:min(len(fraction), t.Scale)], "", negative), ""
}

// digits takes a decimal number apart. whole has no needless zeros and is never empty.
func digits(s string) (whole, fraction, exponent string, negative, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return "", "", "", false, false
		}
		s, exponent = s[:i], strconv.Itoa(n)
	}
	whole, fraction, _ = strings.Cut(s, ".")
	if whole == "" && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", "", "", false, false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	return whole, fraction, exponent, negative, true
}

func appendNumber(dst []byte, whole, fraction, exponent string, negative bool) []byte {
	if negative {
		dst = append(dst, '-')
	}
	dst = append(dst, whole...)
	if fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	if exponent != "" {
		dst = append(append(dst, 'e'), exponent...)
	}
	return dst
}

// show quotes a cell, cut short.
func show(cell string) string {
	const most = 48
	if len(cell) > most {
		return strconv.Quote(strings.ToValidUTF8(cell[:most], "")) + "..."
	}
	return strconv.Quote(cell)
}
