package chart

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWrongSpecs(t *testing.T) {
	t.Parallel()
	at := minutes(2, time.Minute)
	cases := []struct {
		name string
		spec Spec
		want string
	}{
		{"no_kind", Spec{}, "no such kind"},
		{"unknown_kind", Spec{Kind: "radar"}, "no such kind"},
		{"short_series", Spec{Kind: Line, Times: at, Series: []Series{{Name: "x", Values: []float64{1}}}}, `series "x" has 1 values for 2 times`},
		{"short_labels", Spec{Kind: Bars, Labels: []string{"a"}, Series: []Series{{Name: "x", Values: []float64{1, 2}}}}, "2 values for 1 labels"},
		{"flags", Spec{Kind: TimeBars, Times: at, Flags: []bool{true}, Series: []Series{{Values: []float64{1, 2}}}}, "1 flags for 2 times"},
		{"colours", Spec{Kind: HBar, Labels: []string{"a"}, ColorBy: []int{1, 2}, Series: []Series{{Values: []float64{1}}}}, "2 colours for 1 labels"},
		{"two_pies", Spec{Kind: Pie, Labels: []string{"a"}, Series: []Series{{Values: []float64{1}}, {Values: []float64{1}}}}, "draw them as bars"},
		{"states", Spec{Kind: Heatmap, Labels: []string{"a"}, Series: []Series{{Values: []float64{1}}}, States: [][]string{}}, "0 rows of states for 1 series"},
		{"short_states", Spec{Kind: Heatmap, Labels: []string{"a"}, Series: []Series{{Name: "x", Values: []float64{1}}}, States: [][]string{{"a", "b"}}}, `series "x" has 2 states or remarks for 1 labels`},
		{"remarks", Spec{Kind: Heatmap, Labels: []string{"a"}, Series: []Series{{Values: []float64{1}}}, Remarks: [][]string{}}, "0 rows of remarks for 1 series"},
		{"weights", Spec{Kind: Histogram, Series: []Series{{Values: []float64{1}}}, Weights: []float64{1, 2}}, "2 weights for 1 values"},
		{"negative_weight", Spec{Kind: Histogram, Series: []Series{{Values: []float64{1}}}, Weights: []float64{-2}}, "a count cannot be below zero"},
		{"negative_flow", Spec{Kind: Flow, Links: []Link{{"a", "b", -1}}}, `"a" to "b", is −1: a flow cannot be below zero`},
		{"huge_flow", Spec{Kind: Flow, Links: []Link{{"a", "b", 1e300}}}, "more than a chart can show"},
		{"negative_slice", Spec{Kind: Donut, Labels: []string{"a"}, Series: []Series{{Values: []float64{-1}}}}, "cannot be below zero"},
		{"ys", Spec{Kind: Scatter, Xs: []float64{1}}, "1 xs but 0 ys"},
		{"group", Spec{Kind: Scatter, Xs: []float64{1}, Ys: []float64{1}, Groups: []int{3}}, "point 0 is in group 3"},
		{"too_large", Spec{Kind: Bars, Labels: []string{"a"}, Series: []Series{{Name: "x", Values: []float64{1e300}}}}, "more than a chart can show"},
		{"panicking_format", Spec{Kind: Bars, Labels: []string{"a"}, Series: []Series{{Values: []float64{1}}}, FormatY: func(float64) string { panic("boom") }}, "drawing: boom"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.spec.ID = "sales"
			svg, err := SVG(c.spec)
			if err == nil || svg != "" || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `chart "sales"`) || errors.Is(err, ErrEmpty) {
				t.Errorf("SVG is %q, error %v, want one with %q", svg, err, c.want)
			}
		})
	}
}

// A caller's columns are read, never changed.
func TestSpecStaysAsItWas(t *testing.T) {
	t.Parallel()
	for _, d := range samples() {
		var before [][]float64
		for _, one := range d.spec.Series {
			before = append(before, append([]float64(nil), one.Values...))
		}
		_, _ = SVG(d.spec)
		Legend(d.spec)
		for i, one := range d.spec.Series {
			if !cmp.Equal(before[i], append([]float64(nil), one.Values...), cmpopts.EquateNaNs()) {
				t.Errorf("%s: series %d was changed", d.name, i)
			}
		}
	}
}

// Charts of one page are drawn side by side.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	all := samples()
	want := make([]string, len(all))
	for i, d := range all {
		want[i], _ = SVG(d.spec)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, d := range all {
				if got, _ := SVG(d.spec); got != want[i] {
					t.Errorf("%s differs when drawn beside others", d.name)
				}
			}
		})
	}
	wg.Wait()
}

func TestVariantsShareNoIDs(t *testing.T) {
	t.Parallel()
	ids := regexp.MustCompile(` id="([^"]*)"`)
	seen := map[string]bool{}
	for _, w := range []int{1200, 580, 360} {
		svg, err := SVG(Spec{Kind: Line, ID: "lag", Width: w, Times: minutes(2, time.Minute), Series: []Series{{Values: []float64{1, 2}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ids.FindAllStringSubmatch(svg, -1) {
			if seen[m[1]] {
				t.Errorf("id %q twice", m[1])
			}
			seen[m[1]] = true
		}
	}
}

func TestTips(t *testing.T) {
	t.Parallel()
	s := Spec{Kind: TimeBars, ID: "volume", Width: 580, Times: minutes(9, time.Minute), Series: []Series{{Values: noise(9, 5, 1)}}}
	for _, c := range []struct {
		tips         Tips
		width        int
		data, titles int // the chart's own title is one
	}{{TipsBoth, 580, 9, 10}, {TipsBoth, 360, 9, 1}, {TipsData, 580, 9, 1}, {TipsNone, 580, 0, 1}} {
		s.Tips, s.Width = c.tips, c.width
		svg, err := SVG(s)
		if err != nil {
			t.Fatal(err)
		}
		if data, titles := strings.Count(svg, " data-tip="), strings.Count(svg, "</title>"); data != c.data || titles != c.titles {
			t.Errorf("tips %d at %d: %d data-tip and %d titles, want %d and %d", c.tips, c.width, data, titles, c.data, c.titles)
		}
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	one := func(name string, color int, v ...float64) Series {
		return Series{Name: name, Color: color, Values: v}
	}
	many := []Series{one("a", 0, 9, 1), one("b", 1, 1, nan), one("c", 2, 8, 1), one("d", 3, 7, 1), one("e", 4, 2, nan), one("f", 5, 6, 1), one("g", 0, 5, 1), one("h", 1, 4, 1)}
	type row struct {
		Name string
		Slot int
		Sum  []float64
	}
	rows := func(ls []layer) (out []row) {
		for _, l := range ls {
			out = append(out, row{l.name, l.slot, l.values})
		}
		return out
	}
	want := []row{{"a", 0, many[0].Values}, {"c", 2, many[2].Values}, {"d", 3, many[3].Values}, {"f", 5, many[5].Values},
		{"g", 1, many[6].Values}, {"h", 4, many[7].Values}, {"Other (2)", Other, []float64{3, nan}}}
	if diff := cmp.Diff(want, rows(layers(many, true)), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("summed (-want +got)\n%s", diff)
	}
	if got := layers(many, false); len(got) != 8 || got[6].name != "b" || got[7].name != "e" || got[7].slot != Other {
		t.Errorf("lines are %+v", got)
	}
	if got := rows(layers([]Series{one("x", 9), one("y", -1), one("z", 0)}, true)); got[0].Slot != Other || got[1].Slot != Other || got[2].Slot != 0 {
		t.Errorf("slots out of range are %+v", got)
	}
	if got := rows(layers(many[:7], true)); got[6].Name != "b" && got[5].Name != "Other" && len(got) != 7 {
		t.Errorf("a rest of one keeps its name: %+v", got)
	}
}

func TestLegendSaysWhatIsDrawn(t *testing.T) {
	t.Parallel()
	type row struct {
		Name  string
		Class string
		Value float64
	}
	cases := []struct {
		name string
		want []row
	}{
		{"bars", []row{{"Central", "f0", 4_379_381}, {"Western", "f1", 3_109_492}, {"Eastern", "f2", 1_619_066}}},
		{"bars_grouped", []row{{"October", "f0", 8.9}, {"November", "f1", 9.1}}},
		{"donut_nine", []row{{"Product 1", "f0", 9}, {"Product 2", "f1", 8}, {"Product 3", "f2", 7}, {"Product 4", "f3", 6}, {"Product 5", "f4", 5}, {"Product 6", "f5", 4}, {"Other (3)", "fo", 6}}},
		{"heatmap_negative", []row{{"to 1.50", "f0 h1", 0}, {"to 3", "f0 h2", 0}, {"to 4.50", "f0 h3", 0}, {"to 6", "f0 h4", 0}, {"to 7.50", "f0 h5", 0}, {"to 9", "f0 h6", 0}, {"below zero", "f1 h4", 0}}},
		{"graph_names", []row{{hostile, "tidle", 1}, {"failed", "tbad", 1}}},
		{"flow", nil},
		{"histogram", nil},
		{"scatter_one", nil},
		{"line", nil},
		{"hbar", nil},
		{"spark", nil},
	}
	for _, c := range cases {
		for _, d := range samples() {
			if d.name != c.name {
				continue
			}
			svg, err := SVG(d.spec)
			if err != nil {
				t.Fatal(err)
			}
			var got []row
			for _, e := range Legend(d.spec) {
				got = append(got, row{e.Name, e.Class, e.Value})
				if c.name != "heatmap_negative" && !strings.Contains(svg, `class="`+e.Class+" ") || // not every depth stands in a drawing
					!strings.Contains(e.Mark, `class="`+e.Class+`"`) {
					t.Errorf("%s: entry %+v is not drawn", c.name, e)
				}
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.name, diff)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"bars":         "Revenue by store: Riyadh is highest with SAR 4,379,381, Dammam lowest with SAR 1,619,066, of 3.",
		"donut":        "Revenue by category: SAR 9,115,000 in total, most of it Computers with 43.0%, in 5 parts.",
		"donut_zero":   "All zero: 0 in total.",
		"line_equal":   "All equal: latest x: 42, between 42 and 42 from 15:34 to 16:03.",
		"timebars_one": "One window: 7 in total at 15:34.",
		"scatter_one":  "One point: 1 point.",
		"spark_one":    "Latest 4, between 4 and 4.",

		"histogram_counts": "Items in a basket: 84,094 values between 1 and 9, median 1, most often 1 with 60.9%.",
		"histogram_gaps":   "Gaps: 3 values between 1 and 100, median 10, most often 1 to 3.16 with 33.3%.",
		"heatmap_states":   "Runs: 6 late, 151 succeeded, 2 running, 3 failed, 2 queued, 1 skipped in 5 rows by 33 columns.",
		"heatmap_negative": "Change: highest 4 at Riyadh, Jan; lowest −9 at Jeddah, Jan; 2 rows by 3 columns.",
		"flow_cycle":       "A cycle: 5 in total, 3 names in 3 layers, most of it a to b with 5; 2 ribbons back.",
		"flow_zero":        "All zero: 0 in total, 2 to 2 names.",
		"graph":            "The pipeline: 4 succeeded, 2 running, 1 failed, 1 late, 1 skipped, 1 queued, of 10 boxes in 5 layers; segments failed.",
		"graph_cycle":      "A cycle: 3 boxes in 3 layers; 2 lines closing a cycle.",
		"area_gaps":        "Gaps: 11 in total from 15:34 to 15:39, highest 5 at 15:38, most of it a with 54.5%.",
		"empty_area":       "No data to draw.",
	}
	for _, d := range samples() {
		if w, ok := want[d.name]; ok {
			if got := Summary(d.spec); got != w {
				t.Errorf("%s\n got %s\nwant %s", d.name, got, w)
			}
		}
	}
}

// CSS stands on the variables its comment lists, and has a rule for every palette class.
func TestCSS(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"surface": true, "text": true, "muted": true, "grid": true, "axis": true, "bad": true, "good": true, "other": true}
	for i := range colours {
		known["s"+string(rune('0'+i))] = true
	}
	for _, m := range regexp.MustCompile(`var\(--([a-z0-9]+)\)`).FindAllStringSubmatch(CSS, -1) {
		if !known[m[1]] {
			t.Errorf("CSS uses --%s", m[1])
		}
		delete(known, m[1]+" unused")
	}
	for slot := range colours + 1 {
		for _, kind := range []byte("fs") {
			if c := class(kind, slot); !strings.Contains(CSS, ".chart ."+c+"{") && !strings.Contains(CSS, ".chart ."+c+",") {
				t.Errorf("CSS has no rule for %s", c)
			}
		}
	}
	if strings.Count(CSS, "{") != strings.Count(CSS, "}") || strings.Contains(CSS, "url(") {
		t.Error("CSS is broken")
	}
}

// The percentages of a pie add up and its sectors meet, however go-chart rounds them.
func TestSectorsCloseTheCircle(t *testing.T) {
	t.Parallel()
	s, err := Spec{Kind: Pie, Labels: named6(6), Series: []Series{{Values: []float64{1, 1, 1, 1, 1, 1e-7}}}}.ready()
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := s.sectors()
	if err != nil {
		t.Fatal(err)
	}
	at := 0.0
	for _, p := range parts {
		if math.Abs(p.from-at) > 1e-12 {
			t.Errorf("%s begins at %g, want %g", p.name, p.from, at)
		}
		at += p.share
	}
	if math.Abs(at-1) > 1e-12 {
		t.Errorf("sectors end at %g", at)
	}
}
