package chart

import (
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Picture says how one chart is written as a file of its own.
type Picture struct {
	Width, Height int     // of the chart in CSS pixels, without its title and legend; 0 takes the Spec's, then the kind's default
	Scale         float64 // PNG: pixels of the file for each CSS pixel; 0 is 2, at most 8
	Dark          bool    // light on dark
}

// themes are the colours of a page, for files that have no page around them: the variables of CSS.
var themes = map[bool]map[string]string{
	false: {"s0": "#1b4d89", "s1": "#b3501e", "s2": "#12a094", "s3": "#844fcc", "s4": "#b78e0a", "s5": "#842544", "other": "#8a929e",
		"surface": "#ffffff", "text": "#1c2430", "muted": "#5b6472", "grid": "#e8ebef", "axis": "#c3c9d1", "bad": "#b3261e", "good": "#146b3e"},
	true: {"s0": "#84b1e8", "s1": "#e59656", "s2": "#43e0c8", "s3": "#986acd", "s4": "#f0d955", "s5": "#cb576a", "other": "#78828f",
		"surface": "#171b22", "text": "#e6eaf0", "muted": "#98a3b2", "grid": "#262d36", "axis": "#414b58", "bad": "#ff8a80", "good": "#5fd394"},
}

const (
	margin     = 16.0 // around a stand-alone chart, px
	titleRoom  = 28.0
	legendRoom = 22.0
)

// StandAlone writes a chart as an SVG file: with its title, its legend, its colours and a ground, so that it looks the same
// without a page. It has no variables, which many programs that show SVG do not know. Errors are those of SVG, and of w.
func StandAlone(w io.Writer, s Spec, p Picture) error {
	file, _, _, err := standAlone(s, p)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, file)
	return err
}

func standAlone(s Spec, p Picture) (file string, width, height float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.fail("drawing: %v", r)
		}
	}()
	if p.Width != 0 {
		s.Width = p.Width
	}
	if p.Height != 0 {
		s.Height = p.Height
	}
	if s.Width > 0 && s.narrow() && s.Tips == TipsBoth {
		s.Tips = TipsNone // there is no script that would read them
	}
	legend := Legend(s)
	r, s, err := s.drawn()
	if err != nil {
		return "", 0, 0, err
	}
	head, room := s.heading(legend)
	width, height = float64(r.w)+2*margin, float64(r.h)+2*margin+room
	desc := s.Desc
	if desc == "" {
		desc = s.summary()
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	class := "chart " + string(s.Kind)
	if s.narrow() {
		class += " narrow"
	}
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" class="` + class + `" width="` + number(width) + `" height="` + number(height) +
		`" viewBox="0 0 ` + number(width) + ` ` + number(height) + `" role="img"><title>` + escape(s.Title) + `</title><desc>` + escape(desc) + `</desc><style>` +
		plainCSS(p.Dark) + `</style><path class="ground" d="M0 0h` + number(width) + `v` + number(height) + `h-` + number(width) + `Z"/>`)
	b.WriteString(`<g transform="translate(` + number(margin) + ` ` + number(margin) + `)">` + head + `</g>`)
	b.WriteString(`<g transform="translate(` + number(margin) + ` ` + number(margin+room) + `)">`)
	b.Write(r.out)
	b.WriteString("</g></svg>\n")
	return b.String(), width, height, nil
}

var (
	variable = regexp.MustCompile(`var\(--([a-z0-9]+)\)`)
	keyRule  = regexp.MustCompile(`,?\.key [^{,]*`)
)

// plainCSS is CSS with the colours of a theme in place of variables, and what a file of its own needs.
func plainCSS(dark bool) string {
	css := `.chart{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans Arabic",Arial,sans-serif}` +
		`.chart .ground{fill:var(--surface)}.chart .title{font-size:16px;font-weight:650;fill:var(--text)}` +
		strings.TrimSpace(keyRule.ReplaceAllString(CSS[strings.Index(CSS, ".chart .f0"):], ""))
	return variable.ReplaceAllStringFunc(css, func(v string) string { return themes[dark][variable.FindStringSubmatch(v)[1]] })
}

var markPath = regexp.MustCompile(`<path[^>]*/>`)

// heading draws the title and the legend of a stand-alone chart, and says what height they need.
func (s Spec) heading(legend []Entry) (svg string, height float64) {
	r := &renderer{w: s.Width, h: 10_000, tips: TipsNone}
	if s.Title != "" {
		const size = 18.0 // bold text of 16 px
		r.sized(0, 14, "start", cut(s.Title, size, float64(s.Width)), size, mark{class: "title"})
		height = titleRoom
	}
	x := 0.0
	for i, e := range legend {
		name := cut(e.Name, textSize, float64(s.Width)-20)
		w := 18 + width(name, textSize) + 14
		if i > 0 && x+w > float64(s.Width) {
			x = 0
			height += legendRoom
		}
		r.raw(`<g transform="translate(` + strconv.Itoa(int(x)) + ` ` + strconv.Itoa(int(height)) + `)">` + markPath.FindString(e.Mark) + `</g>`)
		r.label(float64(int(x))+18, height+11, "start", name, mark{class: "name"})
		x += w
	}
	if len(legend) > 0 {
		height += legendRoom
	}
	return string(r.out), height
}
