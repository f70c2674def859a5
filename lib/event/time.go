package event

import "fmt"

const (
	microsPerDay = 86_400_000_000
	// Years 1 to 9999 in microseconds since 1970.
	minTime = -62_135_596_800_000_000
	endTime = 253_402_300_800_000_000
)

// parseTime reads "YYYY-MM-DD hh:mm:ss" with ' ' or 'T' between, then up to six decimals of a second (more when they are
// zero), then Z or an offset ±hh, ±hhmm or ±hh:mm. Without an offset it is UTC. The result is microseconds since
// 1970; reason is empty when it is one.
func parseTime(v []byte) (micros int64, reason string) {
	const shape = "expected 2006-01-02 15:04:05 or ISO 8601"
	if len(v) < 19 || v[4] != '-' || v[7] != '-' || v[10] != ' ' && v[10] != 'T' || v[13] != ':' || v[16] != ':' {
		return 0, shape
	}
	day, reason := parseDay(v)
	if reason != "" {
		return 0, reason
	}
	clock, ok := parseClock(v)
	if !ok {
		return 0, "its time of day is " + string(v[11:19])
	}
	rest := v[19:]
	if len(rest) > 0 && rest[0] == '.' {
		n := digitsAt(rest, 1)
		if n == 0 {
			return 0, shape
		}
		for i := range n {
			d := int64(rest[1+i] - '0')
			if i < 6 {
				clock += d * int64(pow10[5-i])
			} else if d != 0 {
				return 0, fmt.Sprintf("it has %d decimals of a second, 6 are allowed", n)
			}
		}
		rest = rest[1+n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, shape
	}
	micros = day + clock - offset
	if micros < minTime || micros >= endTime {
		return 0, "it is outside the years 1 to 9999"
	}
	return micros, ""
}

// parseDay reads the date that v begins with, whose separators are checked, and gives its midnight.
func parseDay(v []byte) (micros int64, reason string) {
	const shape = "expected 2006-01-02 15:04:05 or ISO 8601"
	y1, ok1 := twoDigits(v, 0)
	y2, ok2 := twoDigits(v, 2)
	m, ok3 := twoDigits(v, 5)
	d, ok4 := twoDigits(v, 8)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, shape
	}
	y := 100*y1 + y2
	switch {
	case y == 0:
		return 0, "it has year 0"
	case m < 1 || m > 12:
		return 0, fmt.Sprintf("it has month %d", m)
	case d < 1 || d > daysIn(y, m):
		return 0, fmt.Sprintf("it has day %d in month %d", d, m)
	}
	return daysSince1970(y, m, d) * microsPerDay, ""
}

// parseClock reads hh:mm:ss at position 11, whose colons are checked. There is no 24:00:00 and no second 60.
func parseClock(v []byte) (micros int64, ok bool) {
	h, ok1 := twoDigits(v, 11)
	m, ok2 := twoDigits(v, 14)
	s, ok3 := twoDigits(v, 17)
	return int64(h*3600+m*60+s) * 1_000_000, ok1 && ok2 && ok3 && h < 24 && m < 60 && s < 60
}

// parseOffset reads nothing, Z, ±hh, ±hhmm or ±hh:mm; up to 15:59, as Postgres does.
func parseOffset(v []byte) (micros int64, ok bool) {
	if len(v) == 0 || len(v) == 1 && v[0] == 'Z' {
		return 0, true
	}
	if v[0] != '+' && v[0] != '-' {
		return 0, false
	}
	var h, m int
	ok2 := true
	switch {
	case len(v) == 3:
	case len(v) == 5:
		m, ok2 = twoDigits(v, 3)
	case len(v) == 6 && v[3] == ':':
		m, ok2 = twoDigits(v, 4)
	default:
		return 0, false
	}
	h, ok1 := twoDigits(v, 1)
	micros = int64(h*3600+m*60) * 1_000_000
	if v[0] == '-' {
		micros = -micros
	}
	return micros, ok1 && ok2 && h < 16 && m < 60
}

func twoDigits(v []byte, i int) (n int, ok bool) {
	a, b := v[i]-'0', v[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts the days from 1970-01-01 in the Gregorian calendar, for years after 0. Months count from March,
// so that the leap day comes last. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
func daysSince1970(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era*146097 + doe - 719468)
}

// days remembers the last date read, since neighbouring messages mostly share it.
type days struct {
	known bool
	text  [10]byte
	at    int64 // its midnight in microseconds
}

// timestamp reads a time up to the quote that ends it.
func (d *days) timestamp(b []byte, i int) (v int64, end int) {
	if len(b)-i < 20 {
		return 0, -1
	}
	t := b[i : i+20]
	if d.known && [10]byte(t) == d.text && t[19] == '"' && (t[10] == ' ' || t[10] == 'T') && t[13] == ':' && t[16] == ':' {
		clock, ok := parseClock(t)
		if !ok {
			return 0, -1
		}
		return d.at + clock, i + 19
	}
	end = plainEnd(b, i)
	if end == len(b) || b[end] != '"' {
		return 0, -1
	}
	v, reason := parseTime(b[i:end])
	if reason != "" {
		return 0, -1
	}
	if day, reason := parseDay(b[i:end]); reason == "" {
		d.known, d.text, d.at = true, [10]byte(b[i:end]), day
	}
	return v, end
}
