package rfm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// TableBuilder makes a [Table] from segments and the cells each takes, and refuses a cell that is taken twice. Its zero
// value is empty.
type TableBuilder struct{ t Table }

// Add gives a segment the cells of a text such as "r5 f4-5": all pairs of a recency score of 5 and a frequency score of 4
// or 5. A score that is left out means all five. Nothing is added when there is an error.
func (b *TableBuilder) Add(segment, cells string) error {
	if strings.TrimSpace(segment) == "" {
		return fmt.Errorf("a segment needs a name")
	}
	span := map[byte][2]int{'r': {1, Quintiles}, 'f': {1, Quintiles}}
	seen := ""
	for _, word := range strings.Fields(strings.ToLower(cells)) {
		kind := word[0]
		if kind != 'r' && kind != 'f' || strings.IndexByte(seen, kind) >= 0 {
			return fmt.Errorf("cells are written like r5 f4-5, got %q", cells)
		}
		seen += string(kind)
		low, high, ranged := strings.Cut(word[1:], "-")
		if !ranged {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 1 || to > Quintiles || from > to {
			return fmt.Errorf("scores are 1 to %d, a range goes up, got %q", Quintiles, word)
		}
		span[kind] = [2]int{from, to}
	}
	if seen == "" {
		return fmt.Errorf("cells are written like r5 f4-5, got nothing")
	}
	next := b.t
	for r := span['r'][0]; r <= span['r'][1]; r++ {
		for f := span['f'][0]; f <= span['f'][1]; f++ {
			if taken := next[r-1][f-1]; taken != "" {
				return fmt.Errorf("cell r%d f%d is taken by %q", r, f, taken)
			}
			next[r-1][f-1] = segment
		}
	}
	b.t = next
	return nil
}

// Table is the finished table. The error lists the cells that no segment has.
func (b *TableBuilder) Table() (Table, error) {
	var missing []string
	for r := range slices.Backward(b.t[:]) {
		for f, name := range b.t[r] {
			if name == "" {
				missing = append(missing, fmt.Sprintf("r%d f%d", r+1, f+1))
			}
		}
	}
	if len(missing) > 0 {
		return Table{}, fmt.Errorf("no segment has the cells %s", strings.Join(missing, ", "))
	}
	return b.t, nil
}
