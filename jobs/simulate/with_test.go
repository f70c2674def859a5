package simulate

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tillflow/lib/strictyaml"
)

func TestWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"rate: 2000/s":                      "d.yaml:1:1: rate is more than the event ids have room for (at most 1000/s)",
		"history_rate: 2000/s":              "d.yaml:1:1: history_rate is more than the event ids have room for (at most 1000/s)",
		"history: 9999d":                    "d.yaml:1:1: history is out of range (from 0s to 3650d)",
		"customers: -1":                     "d.yaml:1:1: number of customers is out of range (from 1 to 1000000)",
		"partitions: -1":                    "d.yaml:1:1: number of partitions is negative",
		"topics: { refunds: transactions }": "d.yaml:1:1: sales and refunds need a topic each",
		"refunds: 10":                       "is not a share",
		"sed: 42":                           `did you mean "seed"?`,
	} {
		var w With
		ps := strictyaml.Decode("d.yaml", []byte(yaml), 0, &w)
		if len(ps) != 1 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
	var w With
	if ps := strictyaml.Decode("d.yaml", []byte("{ rate: 50/s, refunds: 0%, seed: 0, history: 0s, topics: { transactions: tx } }"), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	full := w.withDefaults()
	if full.Rate != 50 || full.HistoryRate != 50 || *full.Refunds != 0 || *full.Seed != 0 || *full.History != 0 || full.Customers != 20_000 || full.Partitions != 2 {
		t.Errorf("%+v", full)
	}
	if diff := gocmp.Diff([]string{"tx", "refunds"}, w.Produces()); diff != "" {
		t.Errorf("topics differ (-want +got):\n%s", diff)
	}
	if _, err := New("sim.pos", With{Rate: 5000}, Deps{}); err == nil {
		t.Error("a rate of 5000/s was taken")
	}
}
