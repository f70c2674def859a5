// Package analyticsbench measures the analyses of package lib beside the programs that do the same: the scores of
// customers, K-Means, itemsets and anomalies against polars, DuckDB, pandas, scikit-learn, rusket, PyFIM and mlxtend, on
// the same data, in the same run. What both find is compared too: a bench whose programs disagree measures nothing.
package analyticsbench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Config says what to measure.
type Config struct {
	Small  bool         // a few thousand rows of each, to see that everything works
	Rounds int          // the best of so many is told
	Only   string       // measures the parts that have it in their name; "" measures all
	Retail string       // order lines of Online Retail as CSV; "" leaves its itemsets out
	Python string       // an interpreter that has the packages of peers.py, or some; "" runs without them
	Say    func(string) // told what is measured next, and what cannot be
	Log    *slog.Logger // of the database
}

// Line is one measurement. Reference is the fastest program that did the same in this run, or, marked as noted, one that
// did it with data of the same size and kind on another day, on a quiet machine of two cores at 2.5 GHz. Without either
// all three are empty.
type Line struct {
	Name        string   `json:"name"`
	Ms          float64  `json:"ms"`
	Reference   string   `json:"reference"`
	ReferenceMs *float64 `json:"reference_ms"`
	Ratio       *float64 `json:"ratio"`   // reference_ms / ms
	PeakMB      float64  `json:"peak_mb"` // memory of this process, the data included
	Check       string   `json:"check"`   // what came out; the peers' is the same
	Peers       []Peer   `json:"peers"`
}

// Peer is what another program took.
type Peer struct {
	Name   string  `json:"name"`
	Ms     float64 `json:"ms"`
	PeakMB float64 `json:"peak_mb,omitempty"`
	Check  float64 `json:"check"`
}

// Results are all measurements.
type Results []Line

// WriteText prints the results for people.
func (r Results) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-44s %10s %8s  %-28s %10s %7s  %s\n", "", "ms", "peak MB", "reference", "ms", "ratio", "result")
	for _, l := range r {
		ref, ratio := "", ""
		if l.ReferenceMs != nil {
			ref, ratio = fmt.Sprintf("%.1f", *l.ReferenceMs), fmt.Sprintf("%.1f", *l.Ratio)
		}
		fmt.Fprintf(&b, "%-44s %10.1f %8.0f  %-28s %10s %7s  %s\n", l.Name, l.Ms, l.PeakMB, l.Reference, ref, ratio, l.Check)
		for _, p := range l.Peers {
			fmt.Fprintf(&b, "    %-40s %10.1f %8.0f\n", p.Name, p.Ms, p.PeakMB)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// measure is one thing to measure.
type measure struct {
	name  string
	task  string                          // of peers.py; "" when no peer does it
	args  []string                        // of the task
	noted Peer                            // what a peer took when it was last measured beside this; zero when none was
	few   bool                            // once is enough: it takes seconds and hardly varies
	run   func() error                    // what is timed
	check func() float64                  // what came out, for comparison with the peers
	tell  func() string                   // the same for people; nil prints check
	agree func(ours, theirs float64) bool // nil wants equality
	own   func() (Peer, error)            // a peer that is no Python package; nil when there is none
}

// bench is a run of Config.
type bench struct {
	Config
	dir   string // for the data that peers read
	peers []string
	out   Results
}

// Run measures everything and returns what came out. It is an error when a peer finds something else.
func Run(ctx context.Context, cfg Config) (res Results, err error) {
	dir, err := os.MkdirTemp("", "tillflow-bench-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	b := &bench{Config: cfg, dir: dir, out: Results{}}
	if b.peers, err = b.installed(ctx); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if !cfg.wants(p) {
			continue
		}
		if err := p.run(b, ctx); err != nil {
			return b.out, err
		}
		debug.FreeOSMemory()
	}
	return b.out, nil
}

// part is some measurements of the same data.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

var parts = []part{
	{"rfm-memory", (*bench).rfm}, {"rfm-postgres", (*bench).rfmPostgres}, {"kmeans", (*bench).kmeans},
	{"itemsets-retail", (*bench).retail}, {"itemsets-synthetic", (*bench).baskets}, {"anomalies", (*bench).anomalies},
}

func (c Config) wants(p part) bool { return strings.Contains(p.name, c.Only) }

// Check finds settings that measure nothing.
func (c Config) Check() error {
	if c.Rounds < 1 {
		return fmt.Errorf("--rounds is %d, it must be 1 or more", c.Rounds)
	}
	if slices.ContainsFunc(parts, c.wants) {
		return nil
	}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return fmt.Errorf("--only %s measures nothing; it is part of one of these names: %s", c.Only, strings.Join(names, ", "))
}

// of gives a size, or the small one.
func (b *bench) of(full, small int) int {
	if b.Small {
		return small
	}
	return full
}

// measure runs one measurement and its peers and adds a line to the results.
func (b *bench) measure(ctx context.Context, m measure) error {
	b.Say(m.name)
	rounds := b.Rounds
	if m.few {
		rounds = 1
	}
	l := Line{Name: m.name, Peers: []Peer{}}
	for range rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		took, peak, err := watched(m.run)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if ms := milliseconds(took); l.Ms == 0 || ms < l.Ms {
			l.Ms = ms
		}
		l.PeakMB = max(l.PeakMB, peak)
	}
	ours := m.check()
	l.Check = fmt.Sprint(ours)
	if m.tell != nil {
		l.Check = m.tell()
	}
	if m.own != nil {
		p, err := m.own()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		l.Peers = append(l.Peers, p)
	}
	if m.task != "" {
		peers, err := b.ask(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		l.Peers = append(l.Peers, peers...)
	}
	for _, p := range l.Peers {
		if agree := m.agree; agree == nil && p.Check != ours || agree != nil && !agree(ours, p.Check) {
			return fmt.Errorf("%s: %s finds %v, we find %v", m.name, p.Name, p.Check, ours)
		}
	}
	l.refer(m.noted, b.Small)
	b.out = append(b.out, l)
	return nil
}

// refer chooses the fastest peer. Without one it is what was noted, which holds for the full sizes only.
func (l *Line) refer(noted Peer, small bool) {
	ms := 0.0
	for _, p := range l.Peers {
		if ms == 0 || p.Ms < ms {
			ms, l.Reference = p.Ms, p.Name
		}
	}
	if ms == 0 && noted.Ms > 0 && !small {
		ms, l.Reference = noted.Ms, noted.Name+" (noted)"
	}
	if ms > 0 {
		ratio := ms / l.Ms
		l.ReferenceMs, l.Ratio = &ms, &ratio
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
