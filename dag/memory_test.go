//go:build soak && linux

package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

var soakTime = flag.Duration("soak", time.Hour, "how long TestMemoryIsFlat watches")

// A full run with both streams and jobs every second holds no more memory in its last quarter than in its second one: the
// first warms up.
func TestMemoryIsFlat(t *testing.T) {
	p := newPipeline(t, "1h")
	p.dagfile, p.env = "../testdata/memory/dagfile.yaml", nil
	c := p.start("run")
	p.serving(c)
	var samples []int
	pause := max(*soakTime/360, 250*time.Millisecond)
	for end := time.Now().Add(*soakTime); time.Now().Before(end); time.Sleep(pause) {
		samples = append(samples, resident(t, c.Process.Pid))
		if len(samples)%30 == 0 {
			t.Logf("%d MB", samples[len(samples)-1]>>10)
		}
	}
	runs := p.query("select count(*) from dag.runs where state <> 'running'")
	if code := c.stop(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d", code)
	}
	n := len(samples) / 4
	early, late := median(samples[n:2*n]), median(samples[3*n:])
	t.Logf("%s runs; median of the second quarter %d MB, of the last one %d MB, most %d MB", runs, early>>10, late>>10, slices.Max(samples)>>10)
	if late > early+early/10+4<<10 {
		t.Errorf("memory grew from %d kB to %d kB", early, late)
	}
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory of a process in kB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := vmRSS.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmRSS in:\n%s", text)
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func median(v []int) int {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
