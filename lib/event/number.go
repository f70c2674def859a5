package event

import (
	"fmt"
	"math/bits"
)

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// number is a JSON number taken apart: 0.d1d2d3... * 10^point, without zeros before or after the digits.
type number struct {
	negative bool
	digits   []byte // '0' to '9', first and last are not zero; empty for 0
	point    int    // digits before the decimal point; may be negative or past the end
}

// maxExponent is where exponents are cut off. No type here holds a number near it, so the answer stays the same.
const maxExponent = 1 << 30

// parseNumber reads all of tok as a JSON number. It keeps slices of tok, and copies only a number with a point in
// the middle of its digits.
func parseNumber(tok []byte) (n number, ok bool) {
	i := 0
	if i < len(tok) && tok[i] == '-' {
		n.negative = true
		i++
	}
	whole := digitsAt(tok, i)
	if whole == 0 || whole > 1 && tok[i] == '0' {
		return n, false
	}
	digits := tok[i : i+whole]
	n.point = whole
	i += whole
	if i < len(tok) && tok[i] == '.' {
		frac := digitsAt(tok, i+1)
		if frac == 0 {
			return n, false
		}
		digits = append(digits[:whole:whole], tok[i+1:i+1+frac]...)
		i += 1 + frac
	}
	if i < len(tok) && (tok[i] == 'e' || tok[i] == 'E') {
		i++
		minus := i < len(tok) && tok[i] == '-'
		if minus || i < len(tok) && tok[i] == '+' {
			i++
		}
		count := digitsAt(tok, i)
		if count == 0 {
			return n, false
		}
		e := 0
		for _, d := range tok[i : i+count] {
			e = min(e*10+int(d-'0'), maxExponent)
		}
		if minus {
			e = -e
		}
		n.point += e
		i += count
	}
	if i != len(tok) {
		return n, false
	}
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
		n.point--
	}
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	n.digits = digits
	if len(digits) == 0 {
		n.point, n.negative = 0, false
	}
	return n, true
}

func digitsAt(b []byte, i int) int {
	n := 0
	for i+n < len(b) && b[i+n]-'0' <= 9 {
		n++
	}
	return n
}

// decimals is how many digits stand after the point, trailing zeros not counted.
func (n number) decimals() int { return max(0, len(n.digits)-n.point) }

// scaled gives the number times 10^scale as a 128-bit integer. It must have no more than scale decimals and at
// most 38 digits then.
func (n number) scaled(scale int) (hi int64, lo uint64) {
	var h, l uint64
	zeros := n.point + scale - len(n.digits)
	for i := 0; i < len(n.digits)+zeros && len(n.digits) > 0; i++ {
		d := uint64(0)
		if i < len(n.digits) {
			d = uint64(n.digits[i] - '0')
		}
		over, low := bits.Mul64(l, 10)
		var carry uint64
		l, carry = bits.Add64(low, d, 0)
		h = h*10 + over + carry
	}
	if n.negative {
		var borrow uint64
		l, borrow = bits.Sub64(0, l, 0)
		h, _ = bits.Sub64(0, h, borrow)
	}
	return int64(h), l
}

// toDecimal gives the number in units of 10^-scale, or why it does not fit decimal(precision, scale).
func (n number) toDecimal(precision, scale int) (hi int64, lo uint64, reason string) {
	if d := n.decimals(); d > scale {
		return 0, 0, fmt.Sprintf("has %s, decimal(%d,%d) allows %d", counted(d, "decimal"), precision, scale, scale)
	}
	if n.point > precision-scale {
		return 0, 0, fmt.Sprintf("has %s before the point, decimal(%d,%d) allows %d", counted(n.point, "digit"), precision, scale, precision-scale)
	}
	hi, lo = n.scaled(scale)
	return hi, lo, ""
}

// toInt64 gives the number as an int64 of units of 10^-scale, or why it is none.
func (n number) toInt64(scale int) (v int64, reason string) {
	if n.decimals() > scale {
		if scale == 0 {
			return 0, "has a fraction, int64 allows none"
		}
		return 0, fmt.Sprintf("has %s, %d are allowed", counted(n.decimals(), "decimal"), scale)
	}
	if n.point+scale > 19 {
		return 0, "does not fit int64"
	}
	hi, lo := n.scaled(scale)
	if hi != int64(lo)>>63 {
		return 0, "does not fit int64"
	}
	return int64(lo), ""
}

func counted(n int, what string) string {
	switch {
	case n >= maxExponent/2:
		return "far too many " + what + "s"
	case n == 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
