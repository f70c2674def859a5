package streambench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tillflow/jobs/stream/streambench"
)

// The bench starts its broker as a process of the same program: here, this test.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "broker" {
		if err := streambench.ServeBroker(context.Background(), os.Args[2], os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A small run says everything it should, and its figures agree with each other. What they are is no matter here.
func TestFiguresAgree(t *testing.T) {
	for _, c := range []streambench.Config{
		{Rows: 3001, Partitions: 2, Dimensions: 2, Keys: 5},
		{Rows: 2000, Partitions: 1, Dimensions: 0, Keys: 1, Random: true},
	} {
		t.Run(fmt.Sprintf("partitions=%d/dimensions=%d", c.Partitions, c.Dimensions), func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			c.PerSecond, c.Rounds, c.Latency, c.Broker = 10, 2, 400*time.Millisecond, []string{os.Args[0], "broker"}
			res, err := streambench.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if res.Rows != c.Rows || res.Partitions != c.Partitions || res.Dimensions != c.Dimensions || res.Rounds != c.Rounds {
				t.Errorf("asked for %+v, got %+v", c, res)
			}
			for name, v := range map[string]float64{
				"rows_per_s": res.RowsPerS, "copy_rows_per_s": res.CopyRowsPerS, "insert_rows_per_s": res.InsertRowsPerS,
				"cpu": res.CPUPerMillion, "rss": res.RSSMB, "p50": res.Latency.P50, "full p50": res.FullSpeedLatency.P50,
				"full speed": res.FullSpeedRowsPerS,
			} {
				if !(v > 0) || math.IsInf(v, 0) {
					t.Errorf("%s is %v", name, v)
				}
			}
			if d := res.Ratio - res.RowsPerS/res.CopyRowsPerS; math.Abs(d) > 1e-9 {
				t.Errorf("the ratio is off by %g", d)
			}
			if res.Latency.P50 > res.Latency.P99 || res.FullSpeedLatency.P50 > res.FullSpeedLatency.P99 {
				t.Errorf("quantiles out of order: %+v %+v", res.Latency, res.FullSpeedLatency)
			}
			checkJSON(t, res)
			var text bytes.Buffer
			if err := res.WriteText(&text); err != nil || !strings.Contains(text.String(), "bare COPY") {
				t.Errorf("%v\n%s", err, &text)
			}
		})
	}
}

// checkJSON holds the names that others read.
func checkJSON(t *testing.T, res streambench.Result) {
	t.Helper()
	b, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{
		"rows", "partitions", "rows_per_s", "copy_rows_per_s", "ratio", "cpu_s_per_million", "rss_mb", "latency_ms", "full_speed_latency_ms",
	} {
		if _, ok := got[k]; !ok {
			t.Errorf("%s is missing in %s", k, b)
		}
	}
	for _, k := range []string{"latency_ms", "full_speed_latency_ms"} {
		q, _ := got[k].(map[string]any)
		var names []string
		for n := range q {
			names = append(names, n)
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"p50", "p99"}) {
			t.Errorf("%s has %v", k, names)
		}
	}
}

func TestWrongNumbersAreRefused(t *testing.T) {
	good := streambench.Config{Rows: 1000, Partitions: 2, Dimensions: 2, Keys: 50, PerSecond: 100, Rounds: 1, Latency: time.Second}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*streambench.Config){
		"rows":       func(c *streambench.Config) { c.Rows = 1 },
		"many rows":  func(c *streambench.Config) { c.Rows = 1 << 40 },
		"partitions": func(c *streambench.Config) { c.Partitions = 0 },
		"dimensions": func(c *streambench.Config) { c.Dimensions = -1 },
		"keys":       func(c *streambench.Config) { c.Keys = 0 },
		"per second": func(c *streambench.Config) { c.PerSecond = 0 },
		"rounds":     func(c *streambench.Config) { c.Rounds = 0 },
		"latency":    func(c *streambench.Config) { c.Latency = 0 },
	} {
		c := good
		change(&c)
		if c.Check() == nil {
			t.Errorf("%s: %+v is accepted", name, c)
		}
	}
}
