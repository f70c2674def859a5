package reportbench

import (
	"fmt"
	"io"
	"strings"
)

// Result is what was measured. Times are milliseconds; those of processors stand beside the wall time, and are 0 where
// the system does not tell.
type Result struct {
	Report      string  `json:"report"`
	Cells       int     `json:"cells"`
	Rows        int     `json:"rows"` // transactions in the database
	FillSeconds float64 `json:"fill_s"`

	BuildMS    float64 `json:"build_ms"` // the page from rows that are there
	BuildCPUMS float64 `json:"build_cpu_ms"`
	Bytes      int     `json:"bytes"`
	GzipBytes  int     `json:"gzip_bytes"`

	QueryMS    float64  `json:"query_ms"` // all queries of the page of the defaults, none served from a cache
	QueryCPUMS float64  `json:"query_cpu_ms"`
	Queries    []Query  `json:"queries"` // of that page, the slowest first
	Choices    []Choice `json:"choices"` // the pages that differ in one choice

	FirstPaintMS    *float64 `json:"first_paint_ms"` // null without a browser, as are the next three
	FirstPaintCPUMS *float64 `json:"first_paint_cpu_ms"`
	RefreshMS       *float64 `json:"refresh_main_thread_ms"` // of the page's main thread, when a refresh changes its cells
	RefreshCPUMS    *float64 `json:"refresh_main_thread_cpu_ms"`
	CellsChanged    int      `json:"refresh_cells_changed"`
	OpenPages       int      `json:"open_pages"`
	OpenCPU         *float64 `json:"open_pages_cpu_percent"`    // of a core, between refreshes; null when it was left out
	OpenRefreshMS   *float64 `json:"open_pages_refresh_cpu_ms"` // of the processor, when all of them fetch a new page

	Goals map[string]float64 `json:"goals"` // by the names above: at most so much
}

// Query is one query of the page.
type Query struct {
	Cell string  `json:"cell"`
	MS   float64 `json:"ms"`
	Rows int     `json:"rows"` // of its result
}

// Choice is a page that differs from the defaults in one parameter.
type Choice struct {
	Value      string  `json:"value"` // period=7d
	QueryMS    float64 `json:"query_ms"`
	QueryCPUMS float64 `json:"query_cpu_ms"`
}

// goals are what a dashboard should keep to.
var goals = map[string]float64{
	"build_ms": 30, "bytes": 250_000, "gzip_bytes": 60_000, "query_ms": 500, "first_paint_ms": 300, "refresh_main_thread_ms": 50, "open_pages_cpu_percent": 5,
}

// shownQueries is how many of the slowest queries people see.
const shownQueries = 6

// WriteText prints the result for people.
func (r Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cells, %s transactions (made in %.1f s)\n\n%-44s %12s %12s %10s\n", r.Report, r.Cells, count(r.Rows), r.FillSeconds, "", "", "CPU ms", "goal")
	line := func(name, key string, value float64, cpu string) {
		goal := ""
		if g, ok := r.Goals[key]; ok {
			goal = "ok"
			if value > g {
				goal = "MISSED"
			}
			goal = fmt.Sprintf("%10.0f  %s", g, goal)
		}
		fmt.Fprintf(&b, "%-44s %12s %12s %s\n", name, trim(value), cpu, goal)
	}
	cpu := func(v float64) string { return fmt.Sprintf("%.1f", v) }
	line("its queries, ms", "query_ms", r.QueryMS, cpu(r.QueryCPUMS))
	for _, q := range r.Queries[:min(shownQueries, len(r.Queries))] {
		fmt.Fprintf(&b, "    %-40s %12s   %d rows\n", q.Cell, trim(q.MS), q.Rows)
	}
	for _, c := range r.Choices {
		line("  with "+c.Value, "query_ms", c.QueryMS, cpu(c.QueryCPUMS))
	}
	line("building the page, ms", "build_ms", r.BuildMS, cpu(r.BuildCPUMS))
	line("its size, bytes", "bytes", float64(r.Bytes), "")
	line("compressed, bytes", "gzip_bytes", float64(r.GzipBytes), "")
	if r.FirstPaintMS != nil {
		line("first paint, ms", "first_paint_ms", *r.FirstPaintMS, cpu(*r.FirstPaintCPUMS))
		line(fmt.Sprintf("main thread in a refresh of %d cells, ms", r.CellsChanged), "refresh_main_thread_ms", *r.RefreshMS, cpu(*r.RefreshCPUMS))
	}
	if r.OpenCPU != nil {
		line(fmt.Sprintf("%d open pages between refreshes, %% of a core", r.OpenPages), "open_pages_cpu_percent", *r.OpenCPU, "")
		line("  a refresh of all of them, ms of CPU", "", *r.OpenRefreshMS, "")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// trim writes whole numbers without a point.
func trim(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// count writes a number with commas.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
