package rfm

// Quintiles is the number of bins a score has.
const Quintiles = 5

// Scores are the three scores of each customer, 1 (worst) to 5 (best).
type Scores struct {
	R, F, M []uint8
}

// Score ranks customers against each other. recency is in whatever unit the caller ranks by (whole days, as a rule) and
// counts down: the smallest gets 5. frequency and monetary count up. The three have the same length, in ascending order
// of customer id. One customer alone scores 5, 1, 1, as the best of each and the lowest bin of one value.
func Score(recency, frequency, monetary []int64, ties Ties) Scores {
	return scoresOf(Bins(recency, Quintiles, ties), Bins(frequency, Quintiles, ties), Bins(monetary, Quintiles, ties))
}

// scoresOf takes bins of recency, frequency and monetary value.
func scoresOf(r, f, m []uint8) Scores {
	for i, bin := range r {
		r[i] = Quintiles + 1 - bin
	}
	return Scores{R: r, F: f, M: m}
}

// Differ counts the customers whose three scores are not the same in both. A shop that scores by [First] sees with it
// how many customers owe a score to their id.
func Differ(a, b Scores) int {
	n := 0
	for i := range a.R {
		if a.R[i] != b.R[i] || a.F[i] != b.F[i] || a.M[i] != b.M[i] {
			n++
		}
	}
	return n
}
