package strictyaml

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var units = []struct {
	name string
	size time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"ms", time.Millisecond},
	{"m", time.Minute}, {"s", time.Second},
}

// ParseDuration reads a duration such as 30d, 1h30m, 5m or 250ms: whole or decimal numbers, each with its unit,
// of w, d, h, m, s and ms. A day is 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; write a number and a unit, such as 30s, 5m, 12h or 7d", s)
	rest, total := strings.TrimSpace(s), time.Duration(0)
	if rest == "0" {
		return 0, nil
	}
	if rest == "" {
		return 0, bad
	}
	for rest != "" {
		i := 0
		for i < len(rest) && (rest[i] == '.' || rest[i] >= '0' && rest[i] <= '9') {
			i++
		}
		num, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[i:]
		found := false
		for _, u := range units {
			if tail, ok := strings.CutPrefix(rest, u.name); ok && (u.name != "m" || !strings.HasPrefix(rest, "ms")) {
				d := num * float64(u.size)
				if d+float64(total) > math.MaxInt64 {
					return 0, fmt.Errorf("duration %q is too long", s)
				}
				total, rest, found = total+time.Duration(d), tail, true
				break
			}
		}
		if !found {
			return 0, bad
		}
	}
	return total, nil
}

// FormatDuration writes a duration the way ParseDuration reads it: 1d12h, 5m, 1.5s.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range units[1:3] { // days and hours; Go writes the rest well
		if d >= u.size {
			fmt.Fprintf(&b, "%d%s", d/u.size, u.name)
			d %= u.size
		}
	}
	if d >= time.Minute {
		fmt.Fprintf(&b, "%dm", d/time.Minute)
		d %= time.Minute
	}
	if d > 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

// Percent is a share: "10%" in the file is 0.1 here. A bare number is refused, since 10 and 0.1 are easily confused.
type Percent float64

// UnmarshalText reads "10%".
func (p *Percent) UnmarshalText(b []byte) error {
	num, ok := strings.CutSuffix(strings.TrimSpace(string(b)), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if !ok || err != nil || math.IsNaN(f) || f < 0 || f > 100 {
		return fmt.Errorf("%q is not a share; write a percentage from 0%% to 100%%, such as 10%%", b)
	}
	*p = Percent(f / 100)
	return nil
}

// MarshalText writes "10%".
func (p Percent) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(p)*100, 'g', 12, 64) + "%"), nil
}

// JSONSchema describes "10%".
func (p *Percent) JSONSchema() Schema {
	return Schema{"type": "string", "pattern": `^\s*[0-9.]+\s*%\s*$|\$\{`, "examples": []any{"10%"}}
}

// Rate is a number of events in a second: "30/m" in the file is 0.5 here.
type Rate float64

// UnmarshalText reads "50/s", "30/m" or "2/h".
func (r *Rate) UnmarshalText(b []byte) error {
	bad := fmt.Errorf("%q is not a rate; write a number and a unit of time, such as 50/s, 30/m or 2/h", b)
	num, unit, ok := strings.Cut(strings.TrimSpace(string(b)), "/")
	f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	if !ok || err != nil || per == 0 || !(f > 0) || math.IsInf(f, 0) {
		return bad
	}
	*r = Rate(f / per)
	return nil
}

// MarshalText writes "50/s", or by the minute or hour when that is a rounder number.
func (r Rate) MarshalText() ([]byte, error) {
	for _, u := range []struct {
		per  float64
		name string
	}{{1, "s"}, {60, "m"}, {3600, "h"}} {
		if v := float64(r) * u.per; v == math.Round(v) && v > 0 {
			return []byte(strconv.FormatFloat(v, 'f', -1, 64) + "/" + u.name), nil
		}
	}
	return []byte(strconv.FormatFloat(float64(r), 'g', 6, 64) + "/s"), nil
}

// JSONSchema describes "30/m".
func (r *Rate) JSONSchema() Schema {
	return Schema{"type": "string", "pattern": `^\s*[0-9.eE+]+\s*/\s*[smh]\s*$|\$\{`, "examples": []any{"50/s", "30/m", "2/h"}}
}
