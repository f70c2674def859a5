package notebook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"

	"tillflow/lib/strictyaml"
)

// section is an h2 and what follows it. The first one of a page may have no title.
type section struct {
	id      string
	title   text
	blocks  []block
	columns int   // of its grid, 1 to 4; 0: as the page sees fit
	tabbed  bool  // each h3 opens a tab
	tabs    []tab // what stands before the first one is in blocks
}

// tab is a part of a section of which a reader sees one at a time.
type tab struct {
	id     string
	title  text
	blocks []block
}

// block is prose, a cell or a note.
type block struct {
	prose text
	cell  *cell
}

// all lists the blocks of a section, those of its tabs included.
func (s *section) all() []block {
	out := s.blocks
	for _, t := range s.tabs {
		out = append(slices.Clip(out), t.blocks...)
	}
	return out
}

// add puts a block where reading has come to.
func (s *section) add(b block) {
	if n := len(s.tabs); n > 0 {
		s.tabs[n-1].blocks = append(s.tabs[n-1].blocks, b)
		return
	}
	s.blocks = append(s.blocks, b)
}

// layoutWords are braces at the end of a heading: ## Stores {tabs columns=3}.
var layoutWords = regexp.MustCompile(`\s*\{([^{}]*)\}\s*$`)

// heading reads the layout at the end of a section's heading and takes it out of the text.
func (p *parsing) heading(s *section, body []byte, base int, h *ast.Heading) {
	if h.Lines().Len() != 1 {
		return
	}
	line := h.Lines().At(0)
	m := layoutWords.FindSubmatchIndex(line.Value(body))
	if m == nil {
		return
	}
	for _, w := range wordsOf(string(line.Value(body)[m[2]:m[3]]), base+line.Start+m[2]) {
		key, value, _ := strings.Cut(w.text, "=")
		switch n, err := strconv.Atoi(value); {
		case w.text == "tabs":
			s.tabbed = true
		case key == "columns" && err == nil && n >= 1 && n <= 4:
			s.columns = n
		case key == "columns":
			p.problem(w.at, fmt.Sprintf("%q is no number of columns", w.text), "columns=1 to columns=4")
		default:
			p.problem(w.at, fmt.Sprintf("unknown layout %q", w.text), strictyaml.SuggestOrList(w.text, []string{"tabs", "columns=3"}))
		}
	}
	cutText(h, line.Start+m[0])
}

// cutText removes what stands behind an offset from a heading.
func cutText(h *ast.Heading, at int) {
	for n := h.LastChild(); n != nil; n = h.LastChild() {
		t, ok := n.(*ast.Text)
		switch {
		case !ok || t.Segment.Stop <= at:
			return
		case t.Segment.Start >= at:
			h.RemoveChild(h, n)
		default:
			t.Segment = t.Segment.WithStop(at)
			return
		}
	}
}

// openTab begins a tab at an h3.
func (p *parsing) openTab(md goldmark.Markdown, find *valueFinder, body []byte, h *ast.Heading) {
	s := p.section
	t := tab{title: p.inside(md, find, body, h)}
	taken := func(id string) bool { return slices.ContainsFunc(s.tabs, func(o tab) bool { return o.id == id }) }
	t.id = slug(s.id+"-"+string(h.Lines().Value(body)), taken)
	s.tabs = append(s.tabs, t)
}

var notSlug = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// slug makes an id of a title, numbered when it is taken or would be empty.
func slug(title string, taken func(id string) bool) string {
	base := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(title), "-"), "-")
	id := base
	for n := 2; id == "" || taken(id); n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id
}
