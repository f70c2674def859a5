package notebook_test

import (
	"bytes"
	"errors"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"

	"tillflow/lib/chart"
	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

func TestChartPictures(t *testing.T) {
	d := fields(t, []string{"Sunday", "Monday", "Tuesday"})
	if got := strings.Join(d.Report.Cells("chart"), " "); got != "by_hour grid spread moved pipeline far" {
		t.Errorf("charts: %s", got)
	}
	for _, name := range d.Report.Cells("chart") {
		var svg, pixels bytes.Buffer
		if err := d.ChartSVG(&svg, name, chart.Picture{Dark: true}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := svg.String(); !strings.HasPrefix(s, `<svg xmlns="http://www.w3.org/2000/svg"`) || !strings.Contains(s, "#171b22") || strings.Contains(s, "var(") {
			t.Errorf("%s is no dark file of its own", name)
		}
		if err := d.ChartPNG(&pixels, name, chart.Picture{Scale: 1, Width: 360}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if img, err := png.Decode(&pixels); err != nil || img.Bounds().Dx() != 392 {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.Results["moves"] = notebook.Result{At: at, Frame: &frame.Frame{Columns: []frame.Column{{Name: "before"}, {Name: "now"}, {Name: "n", Kind: frame.Int}}}}
	err := d.ChartSVG(&bytes.Buffer{}, "moved", chart.Picture{})
	if !errors.Is(err, chart.ErrEmpty) {
		t.Errorf("without rows: %v", err)
	}
	broken := &notebook.CellError{File: "kinds.md", Cell: "moves", Line: 3, Msg: "no such table"}
	d.Results["moves"] = notebook.Result{Err: broken}
	var failed *notebook.CellError
	if err = d.ChartPNG(&bytes.Buffer{}, "moved", chart.Picture{}); !errors.As(err, &failed) || failed != broken {
		t.Errorf("after a failed query: %v", err)
	}
	err = d.ChartSVG(&bytes.Buffer{}, "movd", chart.Picture{})
	if err == nil || err.Error() != `kinds.md: no chart is called "movd" (did you mean "moved"?)` {
		t.Errorf("unknown name: %v", err)
	}
	if err = d.ChartPNG(&bytes.Buffer{}, "grid", chart.Picture{Scale: 99}); err == nil || !strings.Contains(err.Error(), "0.1 to 8") {
		t.Errorf("scale: %v", err)
	}
}

// A picture has the colours of the page: lib/chart keeps them a second time, for files without a page around them.
func TestChartPicturesHaveThePagesColours(t *testing.T) {
	css, err := os.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := regexp.MustCompile(`--s0:[^}]*`).FindAllString(string(css), -1)
	colour := regexp.MustCompile(`--(?:s[0-5]|other):(#[0-9a-f]{6})`)
	if len(themes) < 2 {
		t.Fatal("page.css has no two themes")
	}
	d := fields(t, []string{"Sunday", "Monday", "Tuesday"})
	for i, dark := range []bool{false, true} {
		var svg bytes.Buffer
		if err := d.ChartSVG(&svg, "moved", chart.Picture{Dark: dark}); err != nil {
			t.Fatal(err)
		}
		found := colour.FindAllStringSubmatch(themes[i], -1)
		if len(found) != 7 {
			t.Errorf("theme %d of page.css: %v", i, found)
		}
		for _, m := range found {
			if !strings.Contains(svg.String(), m[1]) {
				t.Errorf("dark %v: the picture does not know %s", dark, m[0])
			}
		}
	}
}
