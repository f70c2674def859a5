package strictyaml

import "strings"

// Suggest gives a hint such as `did you mean "name"?` when one of the candidates is close to word, else "".
func Suggest(word string, candidates []string) string {
	if c := closest(word, candidates); c != "" {
		return `did you mean "` + c + `"?`
	}
	return ""
}

// SuggestOrList suggests the close candidate, or lists them all when none is close.
func SuggestOrList(word string, allowed []string) string {
	if s := Suggest(word, allowed); s != "" {
		return s
	}
	return "allowed: " + strings.Join(allowed, ", ")
}

// closest finds the candidate with the least edit distance, if that is small for a word of this length: one letter of
// a short word, a third of a long one, and never the whole word.
func closest(word string, candidates []string) string {
	best, least := "", min(1+max(1, len(word)/3), len(word))
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of single-letter edits and swaps of neighbours that turn a into b (the optimal string
// alignment distance). Words here are short; the cost is len(a)*len(b).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
