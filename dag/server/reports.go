package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageFacts is what the head of a page says about it.
type pageFacts struct {
	title   string
	built   time.Time     // zero when it does not say
	refresh time.Duration // 0 when it does not say
}

var (
	titleIn   = regexp.MustCompile(`(?s)<title>(.*?)</title>`)
	builtIn   = regexp.MustCompile(`<html[^>]* data-built="([^"]+)"`)
	refreshIn = regexp.MustCompile(`<html[^>]* data-refresh="(\d+)"`)
)

// factsOf reads the head of a page.
func factsOf(page []byte) (f pageFacts) {
	head := page[:min(len(page), 8<<10)]
	if m := titleIn.FindSubmatch(head); m != nil {
		f.title = strings.TrimSpace(html.UnescapeString(string(m[1])))
	}
	if m := builtIn.FindSubmatch(head); m != nil {
		f.built, _ = time.Parse(time.RFC3339Nano, string(m[1]))
	}
	if m := refreshIn.FindSubmatch(head); m != nil {
		ms, _ := strconv.Atoi(string(m[1]))
		f.refresh = time.Duration(ms) * time.Millisecond
	}
	return f
}

// pageStatus is what stands beside a page, in NAME.status.json.
type pageStatus struct {
	Report  string            `json:"report"`
	Main    string            `json:"main"` // the page of the report itself
	Values  map[string]string `json:"values"`
	Built   time.Time         `json:"built"`
	Cells   int               `json:"cells"`
	Current int               `json:"current"`
	Failed  []struct {
		Cell  string `json:"cell"`
		Error string `json:"error"`
	} `json:"failed"`
}

// report is a page as the index shows it, with the pages that belong to it: one for each value, one for each choice.
type report struct {
	Page, Title    string
	File           string // the report file; "" when nothing is known
	Built          time.Time
	Clock          string // of Built, in the zone of the page
	Refresh        time.Duration
	Cells, Current int
	Failed         []string // cells
	More           []report
	Wrong          int // of More, how many have a cell that fails
}

// Known tells whether the page says how current it is.
func (r report) Known() bool { return !r.Built.IsZero() }

// Stale tells whether a page was not built anew for so long that something must be wrong.
func (r report) Stale(now time.Time) bool {
	return r.Refresh > 0 && now.Sub(r.Built) > 3*r.Refresh+time.Second
}

// BuiltISO is the time of the page for a script.
func (r report) BuiltISO() string { return r.Built.Format(time.RFC3339) }

// Milliseconds is the refresh for a script.
func (r report) Milliseconds() int64 { return r.Refresh.Milliseconds() }

// reports lists the reports of the folder by title, each with its pages in the order of their names.
func (s *Server) reports() []report {
	all := map[string]*report{}
	var order []*report
	mains := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.files.list())) {
		if !pageName(name) {
			continue
		}
		page, err := s.files.read(name)
		if err != nil {
			continue // it has just gone
		}
		r := &report{Page: name, Title: cmp.Or(page.page.title, strings.TrimSuffix(name, ".html")), Built: page.page.built, Refresh: page.page.refresh}
		var st pageStatus
		if beside, err := s.files.read(strings.TrimSuffix(name, ".html") + ".status.json"); err == nil && json.Unmarshal(beside.raw, &st) == nil {
			r.File, r.Cells, r.Current = st.Report, st.Cells, st.Current
			if r.Built.IsZero() {
				r.Built = st.Built
			}
			for _, f := range st.Failed {
				r.Failed = append(r.Failed, f.Cell)
			}
			mains[name] = st.Main
		}
		r.Clock = r.Built.Format("15:04:05")
		if len(st.Values) > 0 {
			r.Title = nameOf(r.Title, st.Values)
		}
		all[name] = r
		order = append(order, r)
	}
	var out []report
	for _, r := range order {
		if main := all[mains[r.Page]]; main != nil && main != r {
			main.More = append(main.More, *r)
			if len(r.Failed) > 0 {
				main.Wrong++
			}
		}
	}
	for _, r := range order {
		if main := all[mains[r.Page]]; main == nil || main == r {
			out = append(out, *r)
		}
	}
	slices.SortStableFunc(out, func(a, b report) int { return cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)) })
	return out
}

// nameOf tells a page of a choice or a value from its siblings, when its title does not.
func nameOf(title string, values map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if !strings.Contains(title, values[k]) {
			parts = append(parts, k+" "+values[k])
		}
	}
	if len(parts) == 0 {
		return title
	}
	return title + ", " + strings.Join(parts, ", ")
}

// pageMetrics tells how fresh each report is, in the text format of Prometheus.
func (s *Server) pageMetrics(w io.Writer) {
	reports, now := slices.DeleteFunc(s.reports(), func(r report) bool { return !r.Known() }), s.cfg.Now()
	if len(reports) == 0 {
		return
	}
	family := func(name, help string, value func(r report) float64) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		for _, r := range reports {
			fmt.Fprintf(w, "%s{page=%s} %s\n", name, metricLabel(r.Page), strconv.FormatFloat(value(r), 'f', -1, 64))
		}
	}
	family("tillflow_page_age_seconds", "Since a report's page was built.", func(r report) float64 { return max(0, now.Sub(r.Built).Seconds()) })
	family("tillflow_page_stale", "1 when a report's page is older than three of its refreshes.", func(r report) float64 {
		if r.Stale(now) {
			return 1
		}
		return 0
	})
	family("tillflow_page_failed_cells", "Cells that fail on a report's page and on those that belong to it.", func(r report) float64 {
		n := len(r.Failed)
		for _, m := range r.More {
			n += len(m.Failed)
		}
		return float64(n)
	})
}

var metricEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func metricLabel(s string) string { return `"` + metricEscapes.Replace(s) + `"` }
