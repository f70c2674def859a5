package chart

import (
	"errors"
	"fmt"
	"time"
)

// Kind names how a Spec is drawn.
type Kind string

// The kinds. Area, Line and TimeBars stand on Times; Bars, HBar, Pie and Donut on Labels; Scatter on Xs and Ys; Spark
// and Histogram on the values alone; Heatmap on Labels or Times across and Series down; Flow and Graph on Links.
const (
	Area     Kind = "area"     // stacked areas over time
	Line     Kind = "line"     // lines over time
	Bars     Kind = "bars"     // columns by label; several series stand side by side
	TimeBars Kind = "timebars" // columns by window; several series are stacked
	HBar     Kind = "hbar"     // horizontal bars by label, the first on top
	Pie      Kind = "pie"      // shares of a whole
	Donut    Kind = "donut"    // shares of a whole around one number
	Scatter  Kind = "scatter"  // points in groups, a shape and a colour each
	Spark    Kind = "spark"    // a small line without axes, for a KPI

	Histogram Kind = "histogram" // how often values fall into bins of equal width
	Heatmap   Kind = "heatmap"   // fields by column and row: a value as depth of colour, or a state as a shape
	Flow      Kind = "flow"      // ribbons from names on the left to names on the right, as wide as their values
	Graph     Kind = "graph"     // boxes joined by lines, in layers from left to right, with a state each
)

// Kinds lists every kind, for a check of what a report file asks for.
func Kinds() []Kind {
	return []Kind{Area, Line, Bars, TimeBars, HBar, Pie, Donut, Scatter, Spark, Histogram, Heatmap, Flow, Graph}
}

// Other is the palette slot of what is grouped or has no colour of its own.
const Other = 6

// Series is one named column of numbers. Color is a palette slot, 0 to 5, or Other. A NaN or infinite value is a gap.
//
// A slot belongs to a name: the caller keeps it the same from chart to chart. Where two series of one chart ask for
// the same slot, the later one gets the lowest free slot, so that a Spec without colours is still readable.
type Series struct {
	Name   string
	Color  int
	Values []float64
}

// Spec says what to draw. Which fields a kind reads is said at Kind; all others may stay empty.
type Spec struct {
	Kind Kind

	// ID prefixes the ids inside the SVG and must be unique in a page; two variants of one chart may share it when
	// their widths differ. Title is the accessible name. Desc is the longer description, by default Summary.
	ID, Title, Desc string

	// Width and Height are the viewBox, in CSS pixels at the size the chart is meant to be seen; 0 takes the kind's
	// default. At 480 or less a chart draws its narrow variant: fewer ticks and windows, the same size of text.
	Width, Height int

	Times  []time.Time // area, line, timebars: one per value, the start of the window
	Labels []string    // bars, hbar, pie, donut: one per value; scatter: name of a point, may be empty

	Xs, Ys []float64 // scatter: one per point
	Groups []int     // scatter: index into Series for each point; nil puts all in the first

	Series []Series
	Flags  []bool // line, timebars: windows to mark as anomalies; nil marks none

	// FormatX and FormatY print a value in full, for tooltips and Summary. AxisX and AxisY print it short, for ticks
	// and labels on marks. The value of a bar is Y, also when it lies on its side. nil prints plain numbers.
	FormatX, FormatY func(float64) string
	AxisX, AxisY     func(float64) string
	NameX, NameY     string // scatter: what the axes show; may be empty

	Location *time.Location // zone of ticks and tooltips; nil is UTC

	Center, CenterNote string // donut: the number in the hole, and the words below it

	ColorBy []int    // bars, hbar, pie, donut: palette slot of each mark; nil takes the series' own, or one per slice
	Notes   []string // bars, hbar, scatter: second line of a mark's tooltip, such as its region

	// LogX and LogY make an axis logarithmic: LogY that of a line, both those of a scatter, LogX the bins of a histogram.
	// Values of zero and less have no place on it: they are left out, and a note in the corner counts them.
	LogX, LogY bool

	Bins    int       // histogram: about how many bins, up to 60; 0 goes by the spread of the values
	Weights []float64 // histogram: how often each value stands; nil is once

	States  [][]string      // heatmap: the word of each field, by series and then by label; "" is none, nil draws values
	Remarks [][]string      // heatmap: another line of each field's tooltip, by series and then by label; nil has none
	Tones   map[string]Tone // heatmap, graph: what a state means, beside the words ToneOf knows

	Links []Link // flow, graph
	Nodes []Node // graph: what is known of nodes, and nodes without links; flow: nothing
	Steps bool   // flow: a name is one node wherever it stands, so that ribbons run on over several layers

	Tips Tips // how marks carry their tooltips
}

// Link is a ribbon of a flow, or a line of a graph.
type Link struct {
	From, To string
	Value    float64 // flow: its width, 0 or more; graph: a number on the line, NaN for none
}

// Node is a box of a graph.
type Node struct {
	Name  string // as links name it
	Label string // what is written; Name by default
	State string // a word, such as "succeeded"; may be empty
	Note  string // a second line; may be empty
}

// Tips says how marks carry the text of their tooltips. Tooltips are most of the bytes of a chart.
type Tips int

const (
	// TipsBoth writes data-tip for a script, and on wide charts a title element as well, which browsers show by
	// themselves. On a phone they do not, so narrow charts never have it.
	TipsBoth Tips = iota
	// TipsData is data-tip alone, for a page that has a script. Windows of time have their values in it, a line each, and
	// what stands before each line is said once, in data-names of their group.
	TipsData
	TipsNone // neither: for a chart whose numbers stand beside it, or whose marks are too small to point at
)

// ErrEmpty is the error of a Spec with nothing to draw: no rows, or only gaps. A page shows a text in its place.
var ErrEmpty = errors.New("no data to draw")

// fail makes an error that names the chart.
func (s Spec) fail(format string, args ...any) error {
	name := s.ID
	if name == "" {
		name = s.Title
	}
	return fmt.Errorf("chart %q (%s): %w", name, s.Kind, fmt.Errorf(format, args...))
}
