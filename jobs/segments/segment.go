package segments

import (
	"fmt"
	"time"

	"tillflow/lib/kmeans"
	"tillflow/lib/rfm"
)

// scored are the customers of a run with all that was found out about them; row i of each column is one customer.
type scored struct {
	purchases
	rfm.Result
	segment []string
	groups  groups
	sweep   *kmeans.Sweep // or nil
	asOf    time.Time
}

// segment scores and groups the customers.
func (j *Job) segment(p purchases, asOf time.Time) (scored, error) {
	s := scored{purchases: p, asOf: asOf}
	var err error
	if s.Result, err = rfm.Rank(p.customers, asOf.UnixMicro(), j.options()); err != nil {
		return scored{}, err
	}
	s.segment = make([]string, s.Len())
	for i := range s.segment {
		s.segment[i] = j.table.Segment(s.R[i], s.F[i])
	}
	if s.groups, err = j.cluster(s.Recency, s.customers); err != nil {
		return scored{}, fmt.Errorf("group customers: %w", err)
	}
	return s, nil
}

// note says in a few words what was found.
func (j *Job) note(s scored) string {
	seen := map[string]bool{}
	for _, name := range s.segment {
		seen[name] = true
	}
	note := fmt.Sprintf("%s customers, %d segments, k=%d", thousands(s.Len()), len(seen), s.groups.k)
	if j.with.Ties == string(rfm.First) && s.Differ > 0 {
		note += fmt.Sprintf(", %s would score otherwise with ties: value", thousands(s.Differ))
	}
	if s.why != "" {
		note += "; all rows were read: " + s.why
	}
	return note
}

// thousands writes a count with separators.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
