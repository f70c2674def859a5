package anomaly

import "math"

// tail rates an observed number of orders against an expected one: how many standard deviations of a normal variable are
// as unlikely as so many, or so few, Poisson events; above 0 for many, below for few. dispersion is variance over mean: 1
// for Poisson, and more makes everything less unlikely.
//
// It is the signed root of the deviance with the corrections of Lugannani, Rice and Daniels: within 0.03 of the exact
// figure out to 8 deviations where at least one order is due, and within 0.06 where less is. Unlike a sum of terms it
// costs two logarithms and never underflows.
//
// Source: Daniels, "Tail probability approximations", International Statistical Review 55(1), 1987, section 6 (second
// continuity correction).
func tail(observed, expected, dispersion float64) float64 {
	sign := 1.0
	x := observed - 0.5
	if observed < expected {
		sign, x = -1, observed+0.5
	}
	if expected <= 0 {
		expected = math.SmallestNonzeroFloat64
	}
	if sign*(x-expected) <= 0 {
		return 0
	}
	s := math.Log(x / expected)
	r := sign * math.Sqrt(2*(x*s-(x-expected)))
	if math.Abs(r) > 0.1 { // near 0 the correction is lost in rounding, and no threshold is
		r += math.Log(2*math.Sinh(s/2)*math.Sqrt(x)/r) / r
	}
	return r / math.Sqrt(dispersion)
}

// deviations is the score that chance p has: a normal variable is above it with that probability.
func deviations(p float64) float64 { return math.Sqrt2 * math.Erfcinv(2*p) }

// silence is the number of orders that must be due for none at all to be z deviations low: e^-due is its chance.
func silence(z float64) float64 {
	if z > 30 { // Erfc is near the least float
		return z*z/2 + math.Log(z*math.Sqrt(2*math.Pi))
	}
	return -math.Log(math.Erfc(z/math.Sqrt2) / 2)
}
