package rfm

import (
	"fmt"
	"slices"
	"strings"
)

// Table names the segment of each of the 25 pairs of recency and frequency scores: Table[r-1][f-1]. Monetary value is
// reported but does not choose a segment, as in the map most shops copy.
//
// Being a full grid it is total and cannot overlap; [ParseTable] checks the rest.
type Table [Quintiles][Quintiles]string

// Default is the seven-segment map, a pure merge of the ten labels most often published: At Risk joins "at risk" and
// "can't lose", Need Attention joins "need attention" and "about to sleep", New Customers joins "new" and "promising".
var Default = mustTable(map[string][]string{
	"r5": {"New Customers", "Potential Loyalists", "Potential Loyalists", "Champions", "Champions"},
	"r4": {"New Customers", "Potential Loyalists", "Potential Loyalists", "Loyal Customers", "Loyal Customers"},
	"r3": {"Need Attention", "Need Attention", "Need Attention", "Loyal Customers", "Loyal Customers"},
	"r2": {"Hibernating", "Hibernating", "At Risk", "At Risk", "At Risk"},
	"r1": {"Hibernating", "Hibernating", "At Risk", "At Risk", "At Risk"},
})

// ParseTable reads a table from its five rows "r5" to "r1", each with the names for frequency scores 1 to 5. It reports
// every cell that is missing, empty or too many, not only the first.
func ParseTable(rows map[string][]string) (Table, error) {
	var t Table
	var wrong []string
	for key, names := range rows {
		r := strings.Index("12345", strings.TrimPrefix(key, "r"))
		if len(key) != 2 || key[0] != 'r' || r < 0 {
			wrong = append(wrong, fmt.Sprintf("row %q is none of r1 to r5", key))
			continue
		}
		if len(names) != Quintiles {
			wrong = append(wrong, fmt.Sprintf("row %s has %d names, it needs %d, for f1 to f5", key, len(names), Quintiles))
			continue
		}
		for f, name := range names {
			if strings.TrimSpace(name) == "" {
				wrong = append(wrong, fmt.Sprintf("cell r%df%d has no name", r+1, f+1))
			}
			t[r][f] = name
		}
	}
	for r := range t {
		if _, ok := rows[fmt.Sprintf("r%d", r+1)]; !ok {
			wrong = append(wrong, fmt.Sprintf("row r%d is missing", r+1))
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return Table{}, fmt.Errorf("segment table: %s", strings.Join(wrong, "; "))
	}
	return t, nil
}

func mustTable(rows map[string][]string) Table {
	t, err := ParseTable(rows)
	if err != nil {
		panic(err) // our own table
	}
	return t
}

// Segment names the segment of a customer with these scores, each 1 to 5.
func (t *Table) Segment(r, f uint8) string { return t[r-1][f-1] }

// Names lists the segments from the best customers to the worst: by rows from r5 down, and by columns from f5 down.
func (t *Table) Names() []string {
	var names []string
	for r := Quintiles - 1; r >= 0; r-- {
		for f := Quintiles - 1; f >= 0; f-- {
			if !slices.Contains(names, t[r][f]) {
				names = append(names, t[r][f])
			}
		}
	}
	return names
}
