package pg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Postgres sends a numeric as a header of four 16-bit fields and digits to the base 10,000, the most significant
// first: number of digits, weight (the power of 10,000 of the first digit), sign, and how many decimals to show.
// Leading and trailing zero digits are left out. Source: numeric_send and numeric_recv in
// src/backend/utils/adt/numeric.c.

const (
	numericNegative = 0x4000
	numericSpecial  = 0xC000 // NaN 0xC000, Infinity 0xD000, -Infinity 0xF000
	maxNumericSize  = 4 + 8 + 2*12
)

var pow10 = [19]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// appendNumeric appends the binary cell (length first) of the number v * 10^-scale, where v is the 128-bit
// two's complement integer hi:lo. scale is 0 to 38.
func appendNumeric(dst []byte, hi int64, lo uint64, scale int) []byte {
	sign := uint16(0)
	if hi < 0 {
		sign = numericNegative
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	// Groups of four decimal digits, the least significant first, aligned on the decimal point.
	var group [12]uint16
	n := 0
	h := uint64(hi)
	if rest := scale % 4; rest != 0 {
		var r uint64
		h, lo, r = div128(h, lo, pow10[rest])
		group[0] = uint16(r * pow10[4-rest])
		n = 1
	}
	for h != 0 {
		var r uint64
		h, lo, r = div128(h, lo, 10_000)
		group[n] = uint16(r)
		n++
	}
	for lo != 0 {
		group[n] = uint16(lo % 10_000)
		lo /= 10_000
		n++
	}
	for n > 0 && group[n-1] == 0 {
		n--
	}
	low := 0
	for low < n && group[low] == 0 {
		low++
	}
	digits := n - low
	weight := n - 1 - (scale+3)/4
	if digits == 0 {
		weight, sign = 0, 0
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(8+2*digits))
	dst = binary.BigEndian.AppendUint16(dst, uint16(digits))
	dst = binary.BigEndian.AppendUint16(dst, uint16(int16(weight)))
	dst = binary.BigEndian.AppendUint16(dst, sign)
	dst = binary.BigEndian.AppendUint16(dst, uint16(scale))
	for i := n - 1; i >= low; i-- {
		dst = binary.BigEndian.AppendUint16(dst, group[i])
	}
	return dst
}

// div128 divides hi:lo by a small d.
func div128(hi, lo, d uint64) (qhi, qlo, r uint64) {
	qhi, r = hi/d, hi%d
	qlo, r = bits.Div64(r, lo, d)
	return qhi, qlo, r
}

var errNumericRange = errors.New("number does not fit int64")

// readNumeric gives the number in a binary numeric cell as an integer of 10^-scale.
func readNumeric(cell []byte, scale int) (int64, error) {
	if len(cell) < 8 || len(cell) != 8+2*int(binary.BigEndian.Uint16(cell)) {
		return 0, fmt.Errorf("a numeric of %d bytes", len(cell))
	}
	weight := int(int16(binary.BigEndian.Uint16(cell[2:])))
	sign := binary.BigEndian.Uint16(cell[4:])
	if sign&numericSpecial == numericSpecial {
		return 0, errors.New("NaN or an infinite number")
	}
	var sum uint64
	for i := 8; i < len(cell); i += 2 {
		d := uint64(binary.BigEndian.Uint16(cell[i:]))
		power := 4*weight + scale
		weight--
		switch {
		case d == 0:
		case power >= len(pow10):
			return 0, errNumericRange
		case power >= 0:
			over, add := bits.Mul64(d, pow10[power])
			var carry uint64
			sum, carry = bits.Add64(sum, add, 0)
			if over != 0 || carry != 0 {
				return 0, errNumericRange
			}
		case power <= -4 || d%pow10[-power] != 0:
			return 0, fmt.Errorf("number has more than %d decimals", scale)
		default:
			var carry uint64
			sum, carry = bits.Add64(sum, d/pow10[-power], 0)
			if carry != 0 {
				return 0, errNumericRange
			}
		}
	}
	if sign == numericNegative {
		if sum > 1<<63 {
			return 0, errNumericRange
		}
		return -int64(sum), nil
	}
	if sum > 1<<63-1 {
		return 0, errNumericRange
	}
	return int64(sum), nil
}
