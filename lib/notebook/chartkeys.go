package notebook

import (
	"fmt"
	"slices"
	"strings"

	"tillflow/lib/chart"
	"tillflow/lib/strictyaml"
)

// chartSpec is the body of a chart cell. Charts over time want a column of times as x; bars, hbar, pie and donut one of
// labels; scatter one of numbers. y is a column of numbers, or several (a series each).
//
// A histogram has its values in x, and may have in y how often each stands. A heatmap has a row per field: x across
// (labels, numbers or times), y down (labels), and a number in value or a word in state. A flow has a row per ribbon:
// from, to and value. A graph has a row per box and box before it: to is the box the row is about, from the one before
// it, which may be null; label, state and note are of to, value is a number on the line between them.
type chartSpec struct {
	card
	X       string      `yaml:"x"`
	Y       names       `yaml:"y"`
	Color   string      `yaml:"color"`   // column: a series, group or colour for each of its values
	Palette string      `yaml:"palette"` // cell.column whose rows give names their colours, the same in every chart
	Hue     int         `yaml:"hue"`     // 1 to 6: the colour of a chart that needs only one; default 1
	Flag    string      `yaml:"flag"`    // column of true and false: marks to point out
	Note    string      `yaml:"note"`    // column: a second line in the tooltips of bars, points and fields, and in the boxes of a graph
	Label   string      `yaml:"label"`   // scatter, graph: column that names a point or a box
	Format  axisFormats `yaml:"format"`
	Scale   string      `yaml:"scale" check:"oneof=log|linear"`   // log: the y axis of line and scatter, the bins of a histogram
	ScaleX  string      `yaml:"scale_x" check:"oneof=log|linear"` // log: the x axis of a scatter
	Bins    int         `yaml:"bins"`                             // histogram: about how many; default by the spread
	Value   string      `yaml:"value"`                            // heatmap, flow, graph: column of numbers
	State   string      `yaml:"state"`                            // heatmap, graph: column of words such as succeeded
	From    string      `yaml:"from"`                             // flow, graph: column of names
	To      string      `yaml:"to"`                               // the same
	Steps   bool        `yaml:"steps"`                            // flow: a name is one bar wherever it stands, over several layers
	Center  string      `yaml:"center"`                           // donut: words in the hole; may hold {{ values }}
	Below   string      `yaml:"below"`                            // donut: smaller words below them
	Width   string      `yaml:"width" check:"oneof=half|full"`    // default half; full for a graph
	Height  int         `yaml:"height"`                           // of the wide variant, in pixels; default by kind

	States map[string]string `yaml:"states"` // word -> good, bad, warn, busy or idle, beside the words that are known

	kind          string
	center, below text
}

type axisFormats struct {
	X     formatSpec `yaml:"x"`
	Y     formatSpec `yaml:"y"`
	Value formatSpec `yaml:"value"` // heatmap, flow, graph
	Axis  formatSpec `yaml:"axis"`  // ticks and labels of y; default: short, without a unit
}

// chartNeeds are the keys a kind cannot do without; kinds that are not named want x and y.
var chartNeeds = map[string][]string{
	"histogram": {"x"},
	"heatmap":   {"x", "y"},
	"flow":      {"from", "to", "value"},
	"graph":     {"to"},
}

// chartKeys are the keys only some kinds know.
var chartKeys = map[string][]string{
	"flag":    {"line", "timebars"},
	"note":    {"bars", "hbar", "scatter", "heatmap", "graph"},
	"label":   {"scatter", "graph"},
	"center":  {"donut"},
	"below":   {"donut"},
	"scale":   {"line", "scatter", "histogram"},
	"scale_x": {"scatter"},
	"bins":    {"histogram"},
	"value":   {"heatmap", "flow", "graph"},
	"state":   {"heatmap", "graph"},
	"states":  {"heatmap", "graph"},
	"from":    {"flow", "graph"},
	"to":      {"flow", "graph"},
	"steps":   {"flow"},
}

// given tells the values of the keys that not every kind has, empty where a key is not set.
func (s *chartSpec) given() map[string]string {
	set := func(b bool) string {
		if b {
			return "set"
		}
		return ""
	}
	return map[string]string{
		"x": s.X, "y": strings.Join(s.Y, ","), "flag": s.Flag, "note": s.Note, "label": s.Label, "center": s.Center, "below": s.Below,
		"scale": s.Scale, "scale_x": s.ScaleX, "bins": set(s.Bins != 0), "value": s.Value, "state": s.State, "states": set(len(s.States) > 0),
		"from": s.From, "to": s.To, "steps": set(s.Steps),
	}
}

func (p *parsing) finishChart(s *chartSpec) {
	p.text(&s.center, s.Center, s.node.At("center"))
	p.text(&s.below, s.Below, s.node.At("below"))
	p.format(&s.Format.X, s.node.At("format", "x"))
	p.format(&s.Format.Y, s.node.At("format", "y"))
	p.format(&s.Format.Value, s.node.At("format", "value"))
	p.format(&s.Format.Axis, s.node.At("format", "axis"))
	p.pair(s.Palette, s.node.At("palette"))
	if s.Hue < 0 || s.Hue > 6 {
		p.problemAt(s.node.At("hue"), fmt.Sprintf("hue %d is no colour", s.Hue), "1 to 6")
	}
	if s.Height != 0 && (s.Height < 80 || s.Height > 1200) {
		p.problemAt(s.node.At("height"), fmt.Sprintf("height %d is out of range", s.Height), "80 to 1200 pixels")
	}
	if s.Bins < 0 || s.Bins > 60 {
		p.problemAt(s.node.At("bins"), fmt.Sprintf("%d bins are out of range", s.Bins), "1 to 60")
	}
	if len(s.Y) > 1 && s.Color != "" {
		p.problemAt(s.node.At("color"), "color beside several y columns", "several columns have a colour each; use one y with color, or y alone")
	}
	if s.Width == "" && s.kind == string(chart.Graph) {
		s.Width = "full"
	}
	p.chartKindKeys(s)
	for word, tone := range s.States {
		if !slices.Contains(chart.Tones(), chart.Tone(tone)) {
			p.problemAt(s.node.At("states", word), fmt.Sprintf("unknown tone %q", tone), suggestTone(tone))
		}
	}
}

// chartKindKeys checks which keys a kind needs and which it does not know.
func (p *parsing) chartKindKeys(s *chartSpec) {
	given := s.given()
	needs, ok := chartNeeds[s.kind]
	if !ok {
		needs = []string{"x", "y"}
	}
	for _, key := range needs {
		if given[key] == "" {
			p.problems = append(p.problems, s.node.Problem("%q is missing", key))
		}
	}
	for _, key := range []string{"flag", "note", "label", "center", "below", "scale", "scale_x", "bins", "value", "state", "states", "from", "to", "steps"} {
		if kinds := chartKeys[key]; given[key] != "" && !slices.Contains(kinds, s.kind) {
			p.problemAt(s.node.At(key), fmt.Sprintf("%s has no meaning in a %s chart", key, s.kind), "it is for "+strings.Join(kinds, ", "))
		}
	}
	for _, key := range []string{"x", "y"} {
		if own := chartNeeds[s.kind]; given[key] != "" && own != nil && !slices.Contains(own, "x") {
			p.problemAt(s.node.At(key), fmt.Sprintf("%s has no meaning in a %s chart", key, s.kind), "it has "+strings.Join(own, ", "))
		}
	}
	if s.kind == string(chart.Heatmap) && s.Value == "" && s.State == "" {
		p.problems = append(p.problems, s.node.Problem("a heatmap wants %q or %q", "value", "state"))
	}
	if len(s.Y) > 1 && (s.kind == string(chart.Heatmap) || s.kind == string(chart.Histogram)) {
		p.problemAt(s.node.At("y"), fmt.Sprintf("several y columns in a %s", s.kind), "one column")
	}
}

func suggestTone(word string) string {
	var tones []string
	for _, t := range chart.Tones() {
		tones = append(tones, string(t))
	}
	if hint := strictyaml.Suggest(word, tones); hint != "" {
		return hint
	}
	return "tones: " + strings.Join(tones, ", ")
}
