package stream

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"tillflow/lib/event"
)

// drift counts what the messages have and no field declares. Producers add fields without asking; nothing is lost that
// was declared, but a person should know once that there is more.
type drift struct {
	mu    sync.Mutex
	names []string // in the order they were first seen
	count map[string]int64
}

// maxDrift is how many names are told apart; package event joins the others of one reader under one name.
const maxDrift = 100

// add counts the unknown fields of a committed batch and returns those that are new.
func (d *drift) add(unknown []event.Unknown) (fresh []event.Unknown) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count == nil {
		d.count = map[string]int64{}
	}
	for _, u := range unknown {
		_, known := d.count[u.Name]
		if !known && len(d.names) >= maxDrift {
			u.Name = event.OtherUnknown
			_, known = d.count[u.Name]
		}
		if !known {
			d.names = append(d.names, u.Name)
			fresh = append(fresh, u)
		}
		d.count[u.Name] += u.Count
	}
	return fresh
}

// notedDrift is how many names the note of a stream's progress has room for.
const notedDrift = 3

// note says which fields are unknown, the most frequent ones by name; empty when none is.
func (d *drift) note() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.names) == 0 {
		return ""
	}
	names := slices.Clone(d.names)
	slices.SortStableFunc(names, func(a, b string) int { return int(min(1, max(-1, d.count[b]-d.count[a]))) })
	var parts []string
	for _, n := range names[:min(len(names), notedDrift)] {
		parts = append(parts, fmt.Sprintf("%s (%d)", n, d.count[n]))
	}
	if more := len(names) - notedDrift; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return "unknown fields " + strings.Join(parts, ", ")
}

// drifted counts the unknown fields of a committed batch, and tells about the first of each name.
func (p *partition) drifted(unknown []event.Unknown) {
	for _, u := range p.job.drift.add(unknown) {
		p.log.Warn("a field that is not declared; it is left out", "field", u.Name, "example", u.Example)
	}
}
