//go:build browser

package notebook_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// printed is a report with cards that could be cut: charts of several heights, wide and half, in tabs too, and a table
// that is longer than a page. Card n has 3 + n rows, which its last line tells.
func printed(t testing.TB) *notebook.Data {
	t.Helper()
	const cards, rows = 14, 150
	results := map[string]notebook.Result{}
	var src strings.Builder
	src.WriteString("---\ntitle: Printed\n---\n## Cards\n\nWords before the cards.\n\n")
	for n := range cards {
		c := frame.Column{Name: "name"}
		v := frame.Column{Name: "v", Kind: frame.Float}
		for i := range 3 + n {
			c.Strings = append(c.Strings, fmt.Sprintf("mark %d", i))
			v.Floats = append(v.Floats, float64(7+i*5%11))
		}
		results[fmt.Sprintf("q%d", n)] = notebook.Result{At: at, Frame: &frame.Frame{Columns: []frame.Column{c, v}}}
		if n == 10 {
			src.WriteString("## Views {tabs}\n\n### First view\n\n")
		}
		if n == 12 {
			src.WriteString("### Second view\n\n")
		}
		width := ""
		if n%5 == 4 {
			width = "width: full\n"
		}
		fmt.Fprintf(&src, "~~~sql q%d\nselect 1\n~~~\n~~~chart c%d %s\ntitle: Card %d begins\ndata: q%d\nx: name\ny: v\n%s~~~\n", n, n, []string{"bars", "hbar", "donut"}[n%3], n, n, width)
	}
	src.WriteString("## Rows\n\n~~~sql long\nselect 1\n~~~\n~~~table rows_of_all\ndata: long\nsearch: true\n~~~\n")
	long := frame.Column{Name: "name"}
	for i := range rows {
		long.Strings = append(long.Strings, fmt.Sprintf("printed row %03d.", i))
	}
	results["long"] = notebook.Result{At: at, Frame: &frame.Frame{Columns: []frame.Column{long}}}
	rep, problems := notebook.Parse("printed.md", []byte(src.String()))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return &notebook.Data{Report: rep, AsOf: at, Built: at, Results: results}
}

// print gives the text of each sheet of paper.
func (p *tab) print(t testing.TB, pdf string) []string {
	t.Helper()
	var r struct{ Data string }
	field(t, p.call(t, "Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": true}), &r)
	b, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pdf, b, 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v (install the package poppler-utils)", err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
}

// On paper every row of a table is there, no card is cut by the end of a sheet, and what is shown a tab at a time stands
// one below the other; also when the reader's screen is dark, or a phone.
func TestBrowserPrint(t *testing.T) {
	page, _ := draw(t, printed(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "printed.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for _, width := range []int{1280, 390} {
		p := b.open(t, "file://"+file, width, 900)
		p.until(t, `document.documentElement.dataset.live !== undefined`)
		p.eval(t, `document.querySelector('#theme').click()`)
		start := time.Now()
		sheets := p.print(t, filepath.Join(dir, "printed.pdf"))
		on := func(text string) (found []int) {
			whole := regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(text))
			for i, s := range sheets {
				if whole.MatchString(s) {
					found = append(found, i+1)
				}
			}
			return found
		}
		for i := range 150 {
			if n := on(fmt.Sprintf("printed row %03d.", i)); len(n) != 1 {
				t.Errorf("%d px: row %d of the table is on the sheets %v", width, i, n)
			}
		}
		for n := range 14 {
			head := on(fmt.Sprintf("Card %d begins", n))
			last := on(fmt.Sprintf("mark %d", 2+n))
			foot := on(fmt.Sprintf("%d rows", 3+n))
			if len(head) != 1 || len(foot) == 0 || len(last) == 0 || head[0] != foot[0] {
				t.Errorf("%d px: card %d begins on sheet %v, its marks end on %v, and it on %v", width, n, head, last, foot)
			}
		}
		for _, s := range []string{"First view", "Second view"} {
			if len(on(s)) != 1 {
				t.Errorf("%d px: %s is on %v", width, s, on(s))
			}
		}
		for _, s := range []string{"Pause", "Theme", "Filter rows", "CSV", "SQL"} {
			if n := on(s); n != nil {
				t.Errorf("%d px: %s, of no use on paper, is on %v", width, s, n)
			}
		}
		p.media(t, "print", "dark")
		if v := p.eval(t, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.cell')).backgroundColor`); v != "rgb(255, 255, 255)rgb(255, 255, 255)" {
			t.Errorf("%d px: paper is %v", width, v)
		}
		if !t.Failed() {
			t.Logf("%d px: %d sheets in %v, 150 rows, 14 cards, none cut", width, len(sheets), time.Since(start).Round(time.Millisecond))
		}
	}
}
