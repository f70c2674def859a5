package csvfile

import (
	"strings"
	"time"
)

// ParseTime reads a time: a date, then, after a space or a T, hh:mm, hh:mm:ss or hh:mm:ss with up to six decimals, then Z
// or an offset such as +03:00. Without an offset it is UTC, without a clock midnight. The result is microseconds since
// 1970.
func ParseTime(s string) (micros int64, ok bool) {
	day, rest, ok := parseDay(s)
	if !ok || rest == "" {
		return day * 86_400_000_000, ok
	}
	if rest[0] != ' ' && rest[0] != 'T' {
		return 0, false
	}
	h, rest, ok1 := two(rest[1:])
	rest, colon := strings.CutPrefix(rest, ":")
	m, rest, ok2 := two(rest)
	if !ok1 || !ok2 || !colon || h > 23 || m > 59 {
		return 0, false
	}
	micros = (day*86_400 + int64(h)*3600 + int64(m)*60) * 1_000_000
	if strings.HasPrefix(rest, ":") {
		var s int
		if s, rest, ok = two(rest[1:]); !ok || s > 59 {
			return 0, false
		}
		micros += int64(s) * 1_000_000
		if strings.HasPrefix(rest, ".") {
			n := 1
			for unit := int64(100_000); n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
				if unit == 0 && rest[n] != '0' {
					return 0, false
				}
				micros += int64(rest[n]-'0') * unit
				unit /= 10
			}
			if n == 1 {
				return 0, false
			}
			rest = rest[n:]
		}
	}
	offset, ok := parseOffset(rest)
	return micros - offset, ok
}

// parseOffset reads nothing, Z, +hh, +hhmm or +hh:mm, in microseconds.
func parseOffset(s string) (int64, bool) {
	if s == "" || s == "Z" || s == "z" {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, rest, ok := two(s[1:])
	m := 0
	if rest = strings.TrimPrefix(rest, ":"); ok && rest != "" {
		m, rest, ok = two(rest)
	}
	if !ok || rest != "" || h > 15 || m > 59 {
		return 0, false
	}
	micros := int64(h*3600+m*60) * 1_000_000
	if s[0] == '-' {
		micros = -micros
	}
	return micros, true
}

// parseDay reads yyyy-mm-dd as days since 1970.
func parseDay(s string) (days int64, rest string, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, "", false
	}
	a, _, ok1 := two(s)
	b, _, ok2 := two(s[2:])
	m, _, ok3 := two(s[5:])
	d, _, ok4 := two(s[8:])
	y := 100*a + b
	if !ok1 || !ok2 || !ok3 || !ok4 || y == 0 {
		return 0, "", false
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d || t.Month() != time.Month(m) {
		return 0, "", false // the 30th of February became one of March
	}
	return t.Unix() / 86_400, s[10:], true
}

func two(s string) (n int, rest string, ok bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, s, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), s[2:], true
}

// AppendTime appends a time of microseconds since 1970 as 2006-01-02 15:04:05, with six decimals where it has any.
func AppendTime(dst []byte, micros int64) []byte {
	t := time.UnixMicro(micros).UTC()
	if micros%1_000_000 == 0 {
		return t.AppendFormat(dst, time.DateTime)
	}
	return t.AppendFormat(dst, "2006-01-02 15:04:05.000000")
}

func appendDay(dst []byte, days int64) []byte {
	return time.Unix(days*86_400, 0).UTC().AppendFormat(dst, time.DateOnly)
}
