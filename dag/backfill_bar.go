package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tillflow/dag/run"
)

// backfillBar is the live view of a backfill: a bar over its intervals in their order, and how far it is.
type backfillBar struct {
	job   string
	todo  int // intervals that this command runs
	began time.Time

	mu     sync.Mutex
	done   int // of todo
	states []run.Interval
}

func newBackfillBar(job string, states []run.Interval, todo int, now time.Time) *backfillBar {
	return &backfillBar{job: job, todo: todo, began: now, states: slices.Clone(states)}
}

// ended notes the end of an interval's run, and gives how many have ended.
func (b *backfillBar) ended(i run.Interval, state run.State) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.states {
		if b.states[k].From.Equal(i.From) {
			b.states[k].State = state
		}
	}
	b.done++
	return b.done
}

// lines draws it within a width:
//
//	sales.daily  █████████████▌✗▌···············  14 of 31, 1 failed, about 12s left
func (b *backfillBar) lines(width int, now time.Time, color bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	bad := 0
	for _, i := range b.states {
		if i.State.Bad() {
			bad++
		}
	}
	text := fmt.Sprintf("%s of %s", thousands(int64(b.done)), thousands(int64(b.todo)))
	if bad > 0 {
		text += fmt.Sprintf(", %s failed", thousands(int64(bad)))
	}
	switch spent := now.Sub(b.began); {
	case b.done == b.todo:
		text += ", took " + short(spent)
	case b.done > 0:
		text += ", about " + ago(spent/time.Duration(b.done)*time.Duration(b.todo-b.done)) + " left"
	}
	room := min(width-len(b.job)-len(text)-5, len(b.states))
	return []string{b.job + "  " + b.cells(max(room, 1), color) + "  " + text}
}

// cells is a sign for as many intervals as there is room for: all of them done, some, none, or one that failed.
func (b *backfillBar) cells(n int, color bool) string {
	var out strings.Builder
	for k := range n {
		part := b.states[k*len(b.states)/n : max((k+1)*len(b.states)/n, k*len(b.states)/n+1)]
		ok, bad := 0, 0
		for _, i := range part {
			switch {
			case i.State.OK():
				ok++
			case i.State.Bad():
				bad++
			}
		}
		sign, code := "·", "2"
		switch {
		case bad > 0:
			sign, code = "✗", "31"
		case ok == len(part):
			sign, code = "█", "32"
		case ok > 0:
			sign, code = "▌", "32"
		}
		if color {
			sign = "\x1b[" + code + "m" + sign + "\x1b[0m"
		}
		out.WriteString(sign)
	}
	return out.String()
}
