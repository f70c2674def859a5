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

func TestBenchAnalyticsPrintsAList(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, stdout, stderr := dag(t, "bench", "analytics", "--small", "--rounds", "1", "-o", "json", "--retail", "../testdata/online_retail/transactions.csv.gz")
	if code != 0 {
		t.Fatal(code, stderr)
	}
	var lines []struct {
		Name        string   `json:"name"`
		Ms          float64  `json:"ms"`
		Reference   string   `json:"reference"`
		ReferenceMs *float64 `json:"reference_ms"`
		Ratio       *float64 `json:"ratio"`
		PeakMB      float64  `json:"peak_mb"`
		Check       string   `json:"check"`
	}
	if err := json.Unmarshal([]byte(stdout), &lines); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	checks := map[string]string{}
	for _, l := range lines {
		checks[l.Name] = l.Check
		if l.Ms <= 0 || l.PeakMB <= 0 || l.Check == "" || (l.Reference == "") != (l.Ratio == nil) || (l.Ratio == nil) != (l.ReferenceMs == nil) {
			t.Errorf("%+v", l)
		}
	}
	const memory, table = "rfm, 20,000 order lines in memory", "rfm, 20,000 order lines in Postgres"
	if len(lines) != 8 || checks[memory] == "" || checks[memory] != checks[table] {
		t.Errorf("%d lines, %v", len(lines), checks)
	}
	if got, want := checks["itemsets, Online Retail, 1 %"], "1031 itemsets, by size [625 333 71 2]"; got != want {
		t.Errorf("Online Retail: %s, want %s", got, want)
	}
}

func TestBenchRefusesWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{}, {"database"}, {"stream", "--rows", "0"}, {"stream", "--order", "backwards"}, {"stream", "-o", "xml"}, {"stream", "--partitions", "1000"},
		{"runner", "-o", "xml"}, {"runner", "--rounds", "0"}, {"runner", "--jitter-time", "1s"},
		{"analytics", "-o", "xml"}, {"analytics", "--rounds", "0"}, {"analytics", "--only", "nothing"}, {"analytics", "rfm"},
	} {
		if code, _, stderr := dag(t, append([]string{"bench"}, args...)...); code != 2 || stderr == "" {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}
