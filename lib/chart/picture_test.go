package chart

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/golden"
)

// A picture of every sample: a file of its own, that needs nothing around it, in both themes.
func TestPicturesStandAlone(t *testing.T) {
	t.Parallel()
	for i, d := range samples() {
		if d.empty || strings.Contains(d.name, "10000") {
			continue
		}
		var b bytes.Buffer
		if err := StandAlone(&b, d.spec, Picture{Dark: i%2 == 1}); err != nil {
			t.Fatal(d.name, err)
		}
		s := b.String()
		for _, wrong := range []string{"var(", "<script", "style=", "href", "NaN", "http://www.w3.org/2000/svg\" xmlns"} {
			if strings.Contains(s, wrong) {
				t.Errorf("%s holds %s", d.name, wrong)
			}
		}
		if n := strings.Count(s, "<style>"); n != 1 {
			t.Errorf("%s has %d styles", d.name, n)
		}
		dec := xml.NewDecoder(&b)
		for {
			if _, err := dec.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is not XML: %v", d.name, err)
			}
		}
	}
}

func TestPictureGolden(t *testing.T) {
	t.Parallel()
	for _, d := range samples() {
		if d.name != "flow_names" && d.name != "heatmap_states" {
			continue
		}
		var b bytes.Buffer
		if err := StandAlone(&b, d.spec, Picture{Dark: d.name == "flow_names", Width: 400}); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/picture_"+d.name+".svg", []byte(strings.ReplaceAll(b.String(), "><", ">\n<")))
	}
}

// The raster side draws what the page draws: a bar has the colour of its series, the ground that of the theme, and the
// size is what was asked for.
func TestPNG(t *testing.T) {
	t.Parallel()
	s := Spec{Kind: Bars, Labels: []string{"a", "b"}, Series: []Series{{Color: 1, Values: []float64{10, 10}}}, Width: 400, Height: 200}
	for _, dark := range []bool{false, true} {
		var b bytes.Buffer
		if err := PNG(&b, s, Picture{Scale: 2, Dark: dark}); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Bounds().Size(); got.X != 864 || got.Y != 464 {
			t.Errorf("size %v, want 864 by 464", got)
		}
		hex := func(x, y int) string {
			r, g, b, a := img.At(x, y).RGBA()
			const digits = "0123456789abcdef"
			out := "#"
			for _, v := range []uint32{r >> 8, g >> 8, b >> 8} {
				out += string(digits[v>>4]) + string(digits[v&15])
			}
			if a != 0xffff {
				out += " see-through"
			}
			return out
		}
		if got := []string{hex(2, 2), hex(300, 300)}; !cmp.Equal(got, []string{themes[dark]["surface"], themes[dark]["s1"]}) {
			t.Errorf("ground and bar are %v", got)
		}
	}
	if err := PNG(io.Discard, s, Picture{Scale: 8, Width: 4000, Height: 4000}); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a picture of a gigapixel: %v", err)
	}
	for _, scale := range []float64{-1, 9, nan} {
		if err := PNG(io.Discard, s, Picture{Scale: scale}); err == nil {
			t.Errorf("scale %g is taken", scale)
		}
	}
}

// Every kind can be drawn as pixels, hostile names and all.
func TestPNGOfSamples(t *testing.T) {
	t.Parallel()
	for _, d := range samples() {
		if !slices.Contains(Kinds(), Kind(d.name)) && !strings.HasSuffix(d.name, "_names") {
			continue
		}
		if err := PNG(io.Discard, d.spec, Picture{Scale: 0.25}); err != nil {
			t.Error(d.name, err)
		}
	}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	s := parseSheet(".a{fill:red;stroke:blue}.a.b{fill:green}.x .a{stroke:black}text{fill:white}.a:hover{fill:pink}")
	line := []element{{compound: compound{"svg", []string{"x"}}}, {compound: compound{"g", []string{"y"}}}, {compound: compound{"path", []string{"b", "a"}}}}
	for i := range line {
		s.compute(line[:i+1])
	}
	if diff := cmp.Diff(map[string]string{"fill": "green", "stroke": "black"}, line[2].style); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
