package segments

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/strictyaml"
)

// problemsOf are what is wrong with settings, each in one line.
func problemsOf(lines ...string) string {
	var w With
	var got []string
	for _, p := range strictyaml.Decode("dagfile.yaml", []byte(strings.Join(lines, "\n")), 0, &w) {
		got = append(got, p.String())
	}
	return strings.Join(got, "\n")
}

// What a rollup cannot say, and what does not go together, is told at its place.
func TestRollupSettingsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lines []string
		want  string
	}{
		{[]string{"from: customer_totals", "query: select 1"}, "1:1: from names a rollup and query gives the purchases too"},
		{[]string{"from: customer_totals", "frequency: orders"}, "2:1: a rollup counts rows, not orders"},
		{[]string{"from: customer_totals", "net: true"}, "2:1: net and refunds do not fit"},
		{[]string{"from: customer_totals", "refunds: r"}, "net and refunds do not fit"},
		{[]string{"refunds: r"}, "1:1: refunds names a rollup, and from does not"},
		{[]string{`from: "a b"`}, `1:1: "a b" is no table`},
		{[]string{"keep: 1h"}, "1:1: keep is 1h0m0s, it must be at least a day"},
		{[]string{"from: customer_totals", "net: true", "refunds: customer_refunds", "keep: 30d"}, ""},
	} {
		got := problemsOf(tt.lines...)
		if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%v: problems %q, want %q", tt.lines, got, tt.want)
		}
	}
}

// Snapshots that are too old go with the movements to them and the word about their run; a backfill removes none.
func TestOldSnapshotsAreRemoved(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	month := 20 * day
	at := func(d int) time.Time { return time.Date(2025, 1, d, 13, 0, 0, 0, time.UTC) }
	for _, d := range []int{5, 11, 25} {
		mustRun(t, db, With{K: 1}, input("run", at(d)))
	}
	mustRun(t, db, With{K: 1, Into: "other"}, input("run", at(5)))
	mustRun(t, db, With{K: 1, Keep: &month}, interval(at(3), at(4)))
	want := []string{"2025-01-04 13:00:00 2", "2025-01-05 13:00:00 2", "2025-01-11 13:00:00 3", "2025-01-25 13:00:00 4"}
	if diff := cmp.Diff(want, lines(t, db, snapshots)); diff != "" {
		t.Errorf("after a backfill (-want +got):\n%s", diff)
	}
	mustRun(t, db, With{K: 1, Keep: &month}, input("run", time.Date(2025, 1, 31, 12, 59, 0, 1000, time.UTC)))
	want = []string{"2025-01-11 13:00:00 3", "2025-01-25 13:00:00 4", "2025-01-31 12:59:00.000001 5"}
	if diff := cmp.Diff(want, lines(t, db, snapshots)); diff != "" {
		t.Errorf("after a run of now (-want +got):\n%s", diff)
	}
	for _, table := range []string{"customer_segment_history", "segment_movements"} {
		if got := lines(t, db, "select min(as_of)::text from "+table); got[0] != "2025-01-11 13:00:00" {
			t.Errorf("%s begins with %v", table, got)
		}
	}
	if got := lines(t, db, "select count(*)::text from other_history"); got[0] != "2" {
		t.Errorf("the history of another table has %v rows", got)
	}
}
