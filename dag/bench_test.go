package main

import (
	"encoding/json"
	"testing"
)

func TestBenchPrintsOneObject(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, stdout, stderr := dag(t, "bench", "stream", "--rows", "2000", "--rounds", "1", "--latency-time", "300ms", "-o", "json")
	if code != 0 {
		t.Fatal(code, stderr)
	}
	var got struct {
		Rows      int     `json:"rows"`
		Ratio     float64 `json:"ratio"`
		LatencyMS struct {
			P50 float64 `json:"p50"`
		} `json:"latency_ms"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if got.Rows != 2000 || got.Ratio <= 0 || got.LatencyMS.P50 <= 0 {
		t.Errorf("%+v", got)
	}
}

func TestBenchRefusesWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{}, {"database"}, {"stream", "--rows", "0"}, {"stream", "--order", "backwards"}, {"stream", "-o", "xml"}, {"stream", "--partitions", "1000"},
		{"runner", "-o", "xml"}, {"runner", "--rounds", "0"}, {"runner", "--jitter-time", "1s"},
	} {
		if code, _, stderr := dag(t, append([]string{"bench"}, args...)...); code != 2 || stderr == "" {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}
