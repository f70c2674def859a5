package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tillflow/dag/run"
)

// The bar of a backfill fits its terminal, however many intervals there are.
func TestBackfillBar(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	steps := run.Steps(start, start.AddDate(0, 0, 31), 24*time.Hour)
	b := newBackfillBar("sales.daily", steps, 31, start)
	for i, state := range []run.State{run.Succeeded, run.Succeeded, run.Failed, run.Succeeded} {
		if n := b.ended(steps[i], state); n != i+1 {
			t.Errorf("%d ended, want %d", n, i+1)
		}
	}
	for width, want := range map[int]string{
		120: "sales.daily  ██✗█···························  4 of 31, 1 failed, about 27s left",
		60:  "sales.daily  █✗·········  4 of 31, 1 failed, about 27s left",
		10:  "sales.daily  ✗  4 of 31, 1 failed, about 27s left",
	} {
		got := b.lines(width, start.Add(4*time.Second), false)[0]
		if got != want || width > 40 && utf8.RuneCountInString(got) >= width {
			t.Errorf("in %d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	for _, i := range steps[4:] {
		b.ended(i, run.Succeeded)
	}
	if got := b.lines(80, start.Add(31*time.Second), true)[0]; !strings.HasSuffix(got, "  31 of 31, 1 failed, took 31s") {
		t.Error(got)
	}
}
