//go:build browser

package notebook_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"tillflow/lib/notebook"
)

var differences = flag.String("differences", filepath.Join(os.TempDir(), "tillflow-pictures"), "folder for what a page looks like, should look like, and where they differ")

// pictureScale is how many pixels of a page, across and down, become one of a stored picture: enough to see that a card
// moved, lost its frame or its colour, and too little for how a machine smooths letters.
const pictureScale = 4

// Pictures of pages are compared with the stored ones, in light, dark, on a phone and on paper. Where they differ, both
// and a third with the differences in red are left in a folder. -update stores what there is.
func TestBrowserPictures(t *testing.T) {
	b := startBrowser(t)
	dir := t.TempDir()
	for name, page := range map[string]string{"failing": first(draw(t, failing(t))), "sixteen": first(draw(t, sixteen(t, 0)))} {
		file := filepath.Join(dir, name+".html")
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, view := range []struct {
			name, media, scheme string
			width               int
		}{{"light", "", "light", 1280}, {"dark", "", "dark", 1280}, {"phone", "", "light", 390}, {"print", "print", "light", 1000}} {
			if name == "sixteen" && (view.name == "dark" || view.name == "print") {
				continue // the colours and the paper of the other page tell
			}
			t.Run(name+"_"+view.name, func(t *testing.T) {
				p := b.blank(t, view.width, 900)
				p.media(t, view.media, view.scheme)
				p.goTo(t, "file://"+file)
				p.until(t, `document.documentElement.dataset.live !== undefined`)
				p.eval(t, `document.querySelector('#pause').click()`) // and so the state is the same at any time
				got := smaller(p.picture(t, view.width), pictureScale)
				p.close(t)
				same(t, "testdata/pictures/"+name+"_"+view.name+".png", got)
			})
		}
	}
}

func first(page string, _ notebook.Drawn) string { return page }

// picture is the whole page.
func (p *tab) picture(t testing.TB, width int) image.Image {
	t.Helper()
	height := int(p.eval(t, `document.documentElement.scrollHeight`).(float64))
	p.size(t, width, height)
	var r struct{ Data string }
	field(t, p.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}), &r)
	b, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// smaller takes the mean colour of each square of n by n pixels.
func smaller(m image.Image, n int) *image.RGBA {
	box := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, box.Dx()/n, box.Dy()/n))
	for y := range out.Bounds().Dy() {
		for x := range out.Bounds().Dx() {
			var sum [3]uint32
			for dy := range n {
				for dx := range n {
					r, g, b, _ := m.At(box.Min.X+x*n+dx, box.Min.Y+y*n+dy).RGBA()
					sum[0], sum[1], sum[2] = sum[0]+r>>8, sum[1]+g>>8, sum[2]+b>>8
				}
			}
			k := uint32(n * n)
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / k), uint8(sum[1] / k), uint8(sum[2] / k), 255})
		}
	}
	return out
}

// same fails when more than one in a hundred points differ by more than what the smoothing of letters explains.
func same(t *testing.T, file string, got *image.RGBA) {
	t.Helper()
	var stored bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&stored, got); err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, stored.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update stores the picture", err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	want := smaller(m, 1)
	diff, off := compare(want, got)
	if total := got.Bounds().Dx() * got.Bounds().Dy(); want.Bounds().Dx() == got.Bounds().Dx() && heightsMatch(want, got) && off*100 <= total {
		return
	}
	dir := *differences
	for kind, m := range map[string]image.Image{"want": want, "got": got, "diff": diff} {
		var out bytes.Buffer
		if err := png.Encode(&out, m); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file[:len(file)-len(".png")]) + "_" + kind + ".png"
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%s: %s now, %s stored, %d points differ; pictures of both and of the difference are in %s; -update stores the new one",
		file, sizeOf(got), sizeOf(want), off, dir)
}

func sizeOf(m image.Image) string { return fmt.Sprintf("%dx%d", m.Bounds().Dx(), m.Bounds().Dy()) }

// heightsMatch allows for a line of text that another version of a browser breaks elsewhere.
func heightsMatch(a, b image.Image) bool {
	return math.Abs(float64(a.Bounds().Dy()-b.Bounds().Dy())) <= 0.02*float64(a.Bounds().Dy())
}

// compare marks in red where two pictures differ, and counts the points.
func compare(a, b *image.RGBA) (*image.RGBA, int) {
	const tolerance = 40 // of 255, in the colour that differs most
	box := a.Bounds().Union(b.Bounds())
	out, off := image.NewRGBA(box), 0
	for y := range box.Dy() {
		for x := range box.Dx() {
			p, q := a.RGBAAt(x, y), b.RGBAAt(x, y)
			far := max(apart(p.R, q.R), apart(p.G, q.G), apart(p.B, q.B))
			grey := 128 + p.G/2
			out.SetRGBA(x, y, color.RGBA{grey, grey, grey, 255})
			if far > tolerance {
				off++
				out.SetRGBA(x, y, color.RGBA{220, 0, 0, 255})
			}
		}
	}
	return out, off
}

func apart(a, b uint8) int {
	return max(int(a)-int(b), int(b)-int(a))
}
