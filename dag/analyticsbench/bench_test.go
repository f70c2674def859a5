package analyticsbench

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestSalesOfOnlineRetail(t *testing.T) {
	t.Parallel()
	invoices, products, err := sales("../../testdata/online_retail/transactions.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	distinct := func(values []string) int {
		seen := map[string]bool{}
		for _, v := range values {
			seen[v] = true
		}
		return len(seen)
	}
	if len(invoices) != 397_884 || distinct(invoices) != 18_532 || distinct(products) != 3_665 {
		t.Errorf("%d lines, %d invoices, %d products", len(invoices), distinct(invoices), distinct(products))
	}
}

// A peer of this run comes before a noted one, which says nothing about small data.
func TestReferenceIsTheFastest(t *testing.T) {
	t.Parallel()
	noted := Peer{Name: "noted", Ms: 50}
	for _, c := range []struct {
		name  string
		peers []Peer
		small bool
		want  string
		ratio float64
	}{
		{"the fastest of two", []Peer{{Name: "slow", Ms: 90}, {Name: "fast", Ms: 30}}, false, "fast", 3},
		{"none ran", nil, false, "noted (noted)", 5},
		{"none ran on small data", nil, true, "", 0},
	} {
		l := Line{Ms: 10, Peers: c.peers}
		l.refer(noted, c.small)
		if l.Reference != c.want || (l.Ratio == nil) != (c.ratio == 0) || l.Ratio != nil && *l.Ratio != c.ratio {
			t.Errorf("%s: %q, %v", c.name, l.Reference, l.Ratio)
		}
	}
}

// Whoever measures something else than the peers must hear of it.
func TestDisagreementIsAnError(t *testing.T) {
	t.Parallel()
	b := &bench{Config: Config{Rounds: 1, Say: func(string) {}}}
	err := b.measure(context.Background(), measure{
		name: "sum", run: func() error { return nil }, check: func() float64 { return 3 },
		own: func() (Peer, error) { return Peer{Name: "abacus", Ms: 1, Check: 4}, nil },
	})
	if err == nil || !strings.Contains(err.Error(), "abacus finds 4, we find 3") {
		t.Error(err)
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	l := Line{Name: "work", Ms: 10, PeakMB: 5, Check: "42", Peers: []Peer{{Name: "peer", Ms: 30}}}
	l.refer(Peer{}, false)
	var out bytes.Buffer
	if err := (Results{l}).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"work", "10.0", "peer", "30.0", "3.0", "42"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %s", out.String(), want)
		}
	}
}
