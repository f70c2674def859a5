package kmeans

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProfiles(t *testing.T) {
	t.Parallel()
	labels := []int32{0, 0, 0, 1, 1, -1, 3, 3, 3, 3}
	features := []Feature{
		{
			Values: []float64{1, 2, 3, 50, 60, 1000, 20, 20, 21, 30},
			Words:  [5]string{"just now", "lately", "a while ago", "long ago", "very long ago"},
			Format: func(v float64) string { return fmt.Sprint(v, " days") },
		},
		{
			Values: []float64{5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, // all equal: the middle
			Words:  [5]string{"none", "few", "some", "many", "most"},
			Format: func(v float64) string { return fmt.Sprint(v) },
		},
	}
	want := []Profile{
		{Size: 3, Share: 3. / 9, Sums: []float64{6, 15}, Means: []float64{2, 5}, Medians: []float64{2, 5}, Text: "just now (2 days), some (5)"},
		{Size: 2, Share: 2. / 9, Sums: []float64{110, 10}, Means: []float64{55, 5}, Medians: []float64{50, 5}, Text: "very long ago (50 days), some (5)"},
		{Sums: []float64{0, 0}, Means: []float64{0, 0}, Medians: []float64{0, 0}},
		{Size: 4, Share: 4. / 9, Sums: []float64{91, 20}, Means: []float64{22.75, 5}, Medians: []float64{20, 5}, Text: "a while ago (20 days), some (5)"},
	}
	if diff := cmp.Diff(want, Profiles(labels, 4, features)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Profiles(nil, 1, features); got[0].Size != 0 || got[0].Share != 0 || got[0].Text != "" {
		t.Errorf("of nobody: %+v", got)
	}
}
