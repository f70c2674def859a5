package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every drawing keeps the rules of the package comment.
func TestDrawingsKeepTheRules(t *testing.T) {
	t.Parallel()
	for _, d := range samples() {
		if svg, err := SVG(d.spec); err == nil {
			for _, wrong := range offences(svg, d.spec) {
				t.Errorf("%s: %s", d.name, wrong)
			}
		}
	}
}

// A chart is an error or keeps the rules, whatever is asked for.
func TestAnySpec(t *testing.T) {
	t.Parallel()
	for seed := range uint64(130) {
		tryAny(t, seed)
	}
}

func FuzzAnySpec(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(tryAny)
}

func tryAny(t *testing.T, seed uint64) {
	s := anySpec(rand.New(rand.NewPCG(seed, 1)))
	svg, err := SVG(s)
	if errors.Is(err, errPosition) || err != nil && strings.Contains(err.Error(), "drawing:") {
		t.Errorf("seed %d: %v", seed, err)
	}
	if err == nil {
		for _, wrong := range offences(svg, s) {
			t.Errorf("seed %d, %s: %s", seed, s.Kind, wrong)
		}
	}
	if got := Summary(s); got == "" || strings.Contains(got, "NaN") || strings.Contains(got, "cannot be summed up") {
		t.Errorf("seed %d, %s: summary %q", seed, s.Kind, got)
	}
	for _, e := range Legend(s) {
		if strings.Contains(e.Mark, "NaN") || e.Share < 0 || e.Share > 1+1e-9 {
			t.Errorf("seed %d, %s: legend entry %+v", seed, s.Kind, e)
		}
	}
}

// anySpec makes a Spec of any kind with values, names and times from plain to absurd.
func anySpec(rng *rand.Rand) Spec {
	sizes := []int{0, 1, 2, 3, 7, 12, 61, 250, 1200}
	n := sizes[rng.IntN(len(sizes))]
	value := func() float64 {
		switch rng.IntN(12) {
		case 0:
			return math.NaN()
		case 1:
			return 0
		case 2:
			return -rng.Float64() * 1000
		case 3:
			return math.Pow(10, rng.Float64()*30-15)
		case 4:
			return float64(rng.IntN(10))
		}
		return rng.Float64() * 100_000
	}
	switch rng.IntN(6) { // columns of one sort
	case 0:
		c := value()
		value = func() float64 { return c }
	case 1:
		value = func() float64 {
			return []float64{0, math.Inf(1), math.Inf(-1), 1e199, -1e199, 5e-324, math.NaN()}[rng.IntN(7)]
		}
	case 2:
		value = func() float64 { return 1e15 + rng.Float64() }
	}
	column := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = value()
		}
		return out
	}
	names := []string{"", "a", longName, arabicName, hostile, "日本語", "Laptop Pro 14", strings.Repeat("w", 400), "👩‍💻 e\u0301"}
	name := func() string { return names[rng.IntN(len(names))] }

	s := Spec{Kind: Kinds()[rng.IntN(len(Kinds()))], ID: name(), Title: name(), Width: []int{0, 1, 160, 360, 580, 1200}[rng.IntN(6)], Height: []int{0, 1, 150, 320}[rng.IntN(4)]}
	if rng.IntN(3) == 0 {
		s.AxisY = func(float64) string { return name() }
		s.FormatY = func(float64) string { return name() }
		s.NameX, s.NameY, s.Center, s.CenterNote = name(), name(), name(), name()
	}
	steps := []time.Duration{time.Microsecond, time.Second, time.Minute, 7 * time.Minute, time.Hour, 24 * time.Hour, 31 * 24 * time.Hour, 5000 * 24 * time.Hour}
	step := steps[rng.IntN(len(steps))]
	for i := range n {
		at := time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(n)) * step)
		s.Times = append(s.Times, at)
		s.Labels = append(s.Labels, name())
		s.Notes = append(s.Notes, name())
		s.Flags = append(s.Flags, i%9 == 5)
		s.ColorBy = append(s.ColorBy, rng.IntN(12)-2)
	}
	if rng.IntN(2) == 0 {
		s.ColorBy = nil
	}
	for range rng.IntN(10) {
		s.Series = append(s.Series, Series{Name: name(), Color: rng.IntN(9) - 1, Values: column(n)})
	}
	if s.Kind == Pie || s.Kind == Donut {
		s.Series = s.Series[:min(len(s.Series), 1)]
		for _, one := range s.Series {
			for i := range one.Values {
				one.Values[i] = math.Abs(one.Values[i])
			}
		}
	}
	s.Xs, s.Ys = column(n), column(n)
	for range n {
		s.Groups = append(s.Groups, rng.IntN(max(len(s.Series), 1)))
	}
	s.LogX, s.LogY, s.Steps, s.Bins = rng.IntN(3) == 0, rng.IntN(3) == 0, rng.IntN(2) == 0, rng.IntN(70)
	if s.Kind == Heatmap && rng.IntN(2) == 0 {
		s.Times = nil
	}
	if s.Kind == Heatmap && rng.IntN(2) == 0 {
		for range s.Series {
			row := make([]string, n)
			for i := range row {
				row[i] = []string{"", "succeeded", "failed", hostile, "late", arabicName}[rng.IntN(6)]
			}
			s.States = append(s.States, row)
			s.Remarks = append(s.Remarks, row)
		}
	}
	for range min(n, 250) { // few names, so that there are cycles
		l := Link{From: name(), To: name(), Value: value()}
		if rng.IntN(2) == 0 {
			l.From, l.To = strconv.Itoa(rng.IntN(n)), strconv.Itoa(rng.IntN(n))
		}
		if s.Kind == Flow {
			l.Value = math.Abs(l.Value)
		}
		s.Links = append(s.Links, l)
		s.Nodes = append(s.Nodes, Node{Name: l.From, Label: name(), State: []string{"", "failed", hostile}[rng.IntN(3)], Note: name()})
	}
	if s.Kind == Histogram && rng.IntN(2) == 0 {
		for range n {
			s.Weights = append(s.Weights, float64(rng.IntN(5)))
		}
	}
	s.Location = [...]*time.Location{nil, riyadh, time.FixedZone("odd", -3*3600-30*60)}[rng.IntN(3)]
	return s
}

var positionAttribute = regexp.MustCompile(`^-?[0-9.]+$`)

// offences reads a drawing as XML and lists what breaks a rule.
func offences(svg string, s Spec) (out []string) {
	wrong := func(what ...string) { out = append(out, strings.Join(what, " ")) }
	for _, word := range []string{"NaN", "Inf", "<script", "style=", "<img", "href", "\x00"} {
		if strings.Contains(svg, word) {
			wrong("holds", word)
		}
	}
	if !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") || !strings.Contains(svg, `role="img"`) {
		wrong("is not one svg element with a role")
	}
	ids := map[string]bool{}
	dec := xml.NewDecoder(strings.NewReader(svg))
	var w, h float64
	var text strings.Builder
	var label map[string]string
	depth := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			wrong("is not XML:", err.Error())
			return out
		}
		switch e := tok.(type) {
		case xml.StartElement:
			depth++
			attr := map[string]string{}
			for _, a := range e.Attr {
				attr[a.Name.Local] = a.Value
			}
			switch e.Name.Local {
			case "svg":
				if attr["class"] == "plot" { // has its sides from the chart
					if attr["viewBox"] != attr["x"]+" "+attr["y"]+" "+attr["width"]+" "+attr["height"] || len(strings.Fields(attr["data-t"])) != 6 {
						wrong("plot with", attr["viewBox"], attr["data-t"])
					}
					delete(attr, "width")
					delete(attr, "height")
					delete(attr, "data-t")
					break
				}
				box := strings.Fields(attr["viewBox"])
				w, _ = strconv.ParseFloat(box[2], 64)
				h, _ = strconv.ParseFloat(box[3], 64)
				if attr["width"]+attr["height"] != "" {
					wrong("has a size")
				}
			case "path":
				for _, p := range walk(attr["d"]) {
					if p[0] < -0.05 || p[0] > w+0.05 || p[1] < -0.05 || p[1] > h+0.05 {
						wrong("draws at", strconv.FormatFloat(p[0], 'f', 1, 64), strconv.FormatFloat(p[1], 'f', 1, 64), "outside of", attr["class"], attr["d"][:min(80, len(attr["d"]))])
						break
					}
				}
			case "text":
				label = attr
				text.Reset()
			case "g", "title", "desc":
			default:
				wrong("element", e.Name.Local)
			}
			for name, value := range attr {
				switch name {
				case "id":
					if ids[value] {
						wrong("id", value, "twice")
					}
					ids[value] = true
				case "x", "y":
					if !positionAttribute.MatchString(value) {
						wrong("position", value)
					}
				case "class", "d", "data-tip", "data-names", "viewBox", "role", "aria-labelledby", "aria-describedby", "aria-label", "text-anchor", "preserveAspectRatio":
				default:
					wrong("attribute", name)
				}
			}
			if e.Name.Local == "title" || e.Name.Local == "desc" {
				if err := dec.Skip(); err != nil {
					wrong(err.Error())
				}
				depth--
			}
		case xml.CharData:
			if label != nil {
				text.Write(e)
			}
		case xml.EndElement:
			depth--
			if e.Name.Local == "text" {
				x, _ := strconv.ParseFloat(label["x"], 64)
				y, _ := strconv.ParseFloat(label["y"], 64)
				room := width(text.String(), textSize)
				left := x - map[string]float64{"middle": room / 2, "end": room}[label["text-anchor"]]
				if left < -0.5 || left+room > w+0.5 || y < 5 || y > h {
					wrong("text", text.String(), "at", label["x"], label["y"], "reaches outside")
				}
				label = nil
			}
		}
	}
	if id := s.elementID(); id != "" && !ids[id+"-t"] && s.Width > 0 && s.Width >= minWidth {
		wrong("has no title with id", id)
	}
	return out
}

var (
	pathStep   = regexp.MustCompile(`[A-Za-z][^A-Za-z]*`)
	pathNumber = regexp.MustCompile(`-?[0-9.]+`)
)

// walk follows a path and returns the points it goes through, bends included.
func walk(d string) (points [][2]float64) {
	var at, start [2]float64
	for _, seg := range pathStep.FindAllString(d, -1) {
		var v []float64
		for _, f := range pathNumber.FindAllString(seg[1:], -1) {
			n, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return append(points, [2]float64{-1e9, -1e9})
			}
			v = append(v, n)
		}
		switch seg[0] {
		case 'M':
			at, start = [2]float64{v[0], v[1]}, [2]float64{v[0], v[1]}
		case 'C':
			points = append(points, at, [2]float64{v[0], v[1]}, [2]float64{v[2], v[3]})
			at = [2]float64{v[4], v[5]}
		case 'L', 'Q':
			points = append(points, at, [2]float64{v[0], v[1]})
			at = [2]float64{v[len(v)-2], v[len(v)-1]}
		case 'H':
			at[0] = v[0]
		case 'V':
			at[1] = v[0]
		case 'h':
			at[0] += v[0]
		case 'v':
			at[1] += v[0]
		case 'l':
			for i := 0; i+1 < len(v); i += 2 {
				points = append(points, at)
				at = [2]float64{at[0] + v[i], at[1] + v[i+1]}
			}
		case 'q':
			points = append(points, at, [2]float64{at[0] + v[0], at[1] + v[1]})
			at = [2]float64{at[0] + v[2], at[1] + v[3]}
		case 'A':
			at = [2]float64{v[5], v[6]}
		case 'a':
			points = append(points, [2]float64{at[0] + v[5]/2, at[1] - v[0]}, [2]float64{at[0] + v[5]/2, at[1] + v[0]})
			at = [2]float64{at[0] + v[5], at[1] + v[6]}
		case 'Z':
			at = start
		default:
			return append(points, [2]float64{-1e9, -1e9})
		}
		points = append(points, at)
	}
	return points
}
