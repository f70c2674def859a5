package event_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tillflow/lib/event"
)

// reference decodes a message slowly, through encoding/json, big numbers and package time. A value is nil, int64 (also for
// times), float64, *big.Int (a decimal in minor units), string or bool. ok is false for a reject.
func reference(fields []event.Field, msg []byte) (row []any, ok bool) {
	if !json.Valid(msg) {
		return nil, false
	}
	for _, f := range fields {
		path := f.Path
		if len(path) == 0 {
			path = []string{f.Name}
		}
		v, ok := refField(f, msg, path)
		if !ok {
			return nil, false
		}
		row = append(row, v)
	}
	return row, true
}

func refField(f event.Field, msg []byte, path []string) (any, bool) {
	raw := json.RawMessage(msg)
	for i, name := range path {
		members, ok := refObject(raw)
		if !ok {
			if i > 0 && string(raw) == "null" {
				return refAbsent(f, false)
			}
			return nil, false
		}
		found := members[name]
		if len(found) > 1 {
			return nil, false
		}
		if len(found) == 0 {
			return refAbsent(f, false)
		}
		raw = found[0]
	}
	if string(raw) == "null" {
		return refAbsent(f, true)
	}
	v, ok := refValue(f, raw)
	return v, ok && refAllowed(f, v)
}

func refAbsent(f event.Field, null bool) (any, bool) {
	if f.Default != nil && !(null && f.Nullable) {
		return refText(f, *f.Default)
	}
	return nil, f.Nullable
}

// refText reads a value as a schema writes it.
func refText(f event.Field, text string) (any, bool) {
	if f.Type.Kind == event.String || f.Type.Kind == event.Timestamp && f.Format == "" {
		quoted, _ := json.Marshal(text)
		return refValue(f, quoted)
	}
	return refValue(f, []byte(text))
}

// refObject gives the members of an object, each key with all its values.
func refObject(raw []byte) (map[string][]json.RawMessage, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	members := make(map[string][]json.RawMessage)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			panic(err)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			panic(err)
		}
		members[key.(string)] = append(members[key.(string)], v)
	}
	return members, true
}

func refValue(f event.Field, raw []byte) (any, bool) {
	var text string
	quoted := raw[0] == '"'
	if quoted {
		if !utf8.Valid(raw) || halfSurrogate(string(raw)) {
			return nil, false
		}
		if err := json.Unmarshal(raw, &text); err != nil {
			panic(err)
		}
	}
	number := raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9'
	switch f.Type.Kind {
	case event.String:
		return text, quoted && !strings.Contains(text, "\x00") && (f.MaxLength == 0 || utf8.RuneCountInString(text) <= f.MaxLength)
	case event.Bool:
		return string(raw) == "true", string(raw) == "true" || string(raw) == "false"
	case event.Float64:
		v, err := strconv.ParseFloat(string(raw), 64)
		return v, number && err == nil
	case event.Int64:
		if !number {
			return nil, false
		}
		v, ok := refScaled(string(raw), 0)
		return asInt(v, ok)
	case event.Decimal:
		tok := string(raw)
		if quoted {
			tok = text
			if !json.Valid([]byte(tok)) || strings.Trim(tok, "0123456789+-.eE") != "" {
				return nil, false
			}
		} else if !number {
			return nil, false
		}
		v, ok := refScaled(tok, f.Type.Scale)
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(f.Type.Precision)), nil)
		return v, ok && v.CmpAbs(limit) < 0
	case event.Timestamp:
		if f.Format == "" {
			if !quoted {
				return nil, false
			}
			v, ok := refTime(text)
			return v, ok
		}
		if !number {
			return nil, false
		}
		v, ok := refScaled(string(raw), map[string]int{"epoch_s": 6, "epoch_ms": 3, "epoch_us": 0}[f.Format])
		us, ok := asInt(v, ok)
		return us, ok && inYears(us.(int64))
	}
	panic("no such type")
}

func asInt(v *big.Int, ok bool) (any, bool) {
	if !ok || !v.IsInt64() {
		return int64(0), false
	}
	return v.Int64(), true
}

// refScaled gives a number times 10^scale when that is an integer of reasonable size.
func refScaled(tok string, scale int) (*big.Int, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(tok), "e")
	if strings.Trim(mantissa, "-0.") == "" {
		return new(big.Int), true
	}
	if e, err := strconv.Atoi(exponent); exponent != "" && (err != nil || e > 5000 || e < -5000) {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(tok)
	if !ok {
		return nil, false
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	return r.Num(), r.IsInt()
}

var (
	timeShape = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|([+-])(\d\d)(?::?(\d\d))?)?$`)
	pairShape = regexp.MustCompile(`\\(?:[^u]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4})`)
)

func halfSurrogate(raw string) bool {
	for _, e := range pairShape.FindAllString(raw, -1) {
		if len(e) == 6 && (e[2] == 'd' || e[2] == 'D') && e[3] >= '8' && (e[3] < 'A' || strings.ContainsRune("abcdefABCDEF", rune(e[3]))) {
			return true
		}
	}
	return false
}

func refTime(s string) (int64, bool) {
	m := timeShape.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	at, err := time.Parse("2006-01-02 15:04:05", m[1]+" "+m[2])
	if err != nil || at.Year() == 0 {
		return 0, false
	}
	us := at.UnixMicro()
	if m[3] != "" {
		digits := (m[3][1:] + "000000")
		if strings.Trim(digits[6:], "0") != "" {
			return 0, false
		}
		n, _ := strconv.ParseInt(digits[:6], 10, 64)
		us += n
	}
	if m[5] != "" {
		h, _ := strconv.ParseInt(m[6], 10, 64)
		min, _ := strconv.ParseInt("0"+m[7], 10, 64)
		if h > 15 || min > 59 {
			return 0, false
		}
		offset := (h*60 + min) * 60_000_000
		if m[5] == "-" {
			offset = -offset
		}
		us -= offset
	}
	return us, inYears(us)
}

func inYears(us int64) bool {
	y := time.UnixMicro(us).UTC().Year()
	return 1 <= y && y <= 9999
}

func refAllowed(f event.Field, v any) bool {
	compare := func(text string) int {
		w, ok := refText(f, text)
		if !ok {
			panic(text)
		}
		switch v := v.(type) {
		case int64:
			return big.NewInt(v).Cmp(big.NewInt(w.(int64)))
		case float64:
			return big.NewFloat(v).Cmp(big.NewFloat(w.(float64)))
		case *big.Int:
			return v.Cmp(w.(*big.Int))
		case string:
			return strings.Compare(v, w.(string))
		}
		if v == w {
			return 0
		}
		return 1
	}
	if f.Min != nil && compare(*f.Min) < 0 || f.Max != nil && compare(*f.Max) > 0 {
		return false
	}
	return len(f.Accept) == 0 || slices.ContainsFunc(f.Accept, func(a string) bool { return compare(a) == 0 })
}
