package event

import (
	"strconv"
	"unsafe"
)

// value reads the value of field f at b[i], behind its opening quote when quoted, and writes it to the row in hand. The result
// is the index after it, before the closing quote. What comes there is for the caller to check: a number that goes
// on is found out by it.
func (d *Decoder) value(b []byte, i, f int, quoted bool) int {
	c := &d.schema.fields[f]
	switch c.kind {
	case String:
		if !quoted {
			return -1
		}
		end := plainEnd(b, i)
		if end == len(b) || b[end] != '"' {
			if end = textEnd(b, i); end < 0 {
				return -1
			}
		}
		if c.plain && d.cols[f].fits(d.n, end-i) {
			d.cols[f].copyText(d.n, b, i, end)
		} else if !d.putText(f, b[i:end]) {
			return -1
		}
		return end
	case Int64:
		if quoted {
			return -1
		}
		v, end := smallInt(b, i)
		if end < 0 || !d.putInt(f, v) {
			return -1
		}
		return end
	case Decimal:
		v, end := minorUnits(b, i, c.scale)
		if end < 0 || !d.putDecimal(f, v) {
			return -1
		}
		return end
	case Timestamp:
		v, end := int64(0), -1
		if c.epoch < 0 && quoted {
			v, end = d.days.timestamp(b, i)
		} else if c.epoch >= 0 && !quoted {
			if v, end = minorUnits(b, i, c.epoch); v < minTime || v >= endTime {
				return -1
			}
		}
		if end < 0 || !d.putInt(f, v) {
			return -1
		}
		return end
	case Bool:
		if quoted {
			return -1
		}
		v, end := true, literal(b, i, "true")
		if end < 0 {
			v, end = false, literal(b, i, "false")
		}
		if end < 0 || !d.putBool(f, v) {
			return -1
		}
		return end
	default: // Float64
		if quoted {
			return -1
		}
		v, end := float(b, i)
		if end < 0 || !d.putFloat(f, v) {
			return -1
		}
		return end
	}
}

// smallInt reads an integer of up to 18 digits.
func smallInt(b []byte, i int) (v int64, end int) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	start := i
	for i < len(b) {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		v = v*10 + int64(c)
		i++
	}
	n := i - start
	if n == 0 || n > 18 || n > 1 && b[start] == '0' {
		return 0, -1
	}
	if negative {
		v = -v
	}
	return v, i
}

// minorUnits reads a number with up to scale decimals as an integer of 10^-scale, when it has no more than 18
// digits then.
func minorUnits(b []byte, i, scale int) (v int64, end int) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	start := i
	for i < len(b) {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		v = v*10 + int64(c)
		i++
	}
	whole := i - start
	if whole == 0 || whole+scale > 18 || whole > 1 && b[start] == '0' {
		return 0, -1
	}
	missing := scale
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) && missing > 0 {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			v = v*10 + int64(c)
			missing--
			i++
		}
		if i == point {
			return 0, -1
		}
	}
	v *= int64(pow10[missing])
	if negative {
		v = -v
	}
	return v, i
}

// float reads a number as float64: by exact arithmetic when it is short, else by strconv.
func float(b []byte, i int) (v float64, end int) {
	end = numberEnd(b, i)
	if end < 0 {
		return 0, -1
	}
	tok := b[i:end]
	if v, ok := shortFloat(tok); ok {
		return v, end
	}
	v, err := strconv.ParseFloat(unsafe.String(&tok[0], len(tok)), 64)
	if err != nil {
		return 0, -1
	}
	return v, end
}

// shortFloat gives a number of at most 15 digits and no exponent, exactly rounded.
func shortFloat(tok []byte) (v float64, ok bool) {
	if len(tok) > 16 {
		return 0, false
	}
	var digits uint64
	decimals := 0
	for i, c := range tok {
		switch {
		case c-'0' <= 9:
			digits = digits*10 + uint64(c-'0')
		case c == '.':
			decimals = len(tok) - 1 - i
		case c == '-' && i == 0:
		default:
			return 0, false
		}
	}
	v, ok = exactFloat(digits, decimals)
	if tok[0] == '-' {
		v = -v
	}
	return v, ok
}
