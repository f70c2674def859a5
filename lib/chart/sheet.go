package chart

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// sheet is CSS as far as our own goes, for the raster side: it has to look like the page, and the page's colours and
// widths stand in one place. Selectors are a chain of compounds of one tag and classes; others, such as :hover, are
// left out, and so are rules about anything but paint.
type sheet []rule

type rule struct {
	chain  []compound // from the outermost to the element itself
	weight int        // classes, and tags after them
	props  map[string]string
}

type compound struct {
	tag     string
	classes []string
}

// element is an open element while a drawing is read.
type element struct {
	compound
	style map[string]string // computed
}

var sheets = map[bool]func() sheet{
	false: sync.OnceValue(func() sheet { return parseSheet(plainCSS(false)) }),
	true:  sync.OnceValue(func() sheet { return parseSheet(plainCSS(true)) }),
}

func parseSheet(css string) (out sheet) {
	for part := range strings.SplitSeq(css, "}") {
		selectors, body, ok := strings.Cut(part, "{")
		if !ok {
			continue
		}
		props := map[string]string{}
		for decl := range strings.SplitSeq(body, ";") {
			if name, value, ok := strings.Cut(decl, ":"); ok {
				props[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		for sel := range strings.SplitSeq(selectors, ",") {
			if strings.ContainsAny(sel, ":[>~+*") {
				continue
			}
			r := rule{props: props}
			for word := range strings.FieldsSeq(sel) {
				parts := strings.Split(word, ".")
				c := compound{parts[0], parts[1:]}
				r.weight += 100 * len(c.classes)
				if c.tag != "" {
					r.weight++
				}
				r.chain = append(r.chain, c)
			}
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b rule) int { return a.weight - b.weight })
	return out
}

func (c compound) fits(e compound) bool {
	if c.tag != "" && c.tag != e.tag {
		return false
	}
	return !slices.ContainsFunc(c.classes, func(k string) bool { return !slices.Contains(e.classes, k) })
}

// fits tells whether a rule is about the last of a line of nested elements.
func (r rule) fits(line []element) bool {
	last := len(r.chain) - 1
	if !r.chain[last].fits(line[len(line)-1].compound) {
		return false
	}
	k := last - 1
	for i := len(line) - 2; i >= 0 && k >= 0; i-- {
		if r.chain[k].fits(line[i].compound) {
			k--
		}
	}
	return k < 0
}

// inherited are the properties a child takes over.
var inherited = []string{"fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-size", "paint-order"}

// compute gives the last element of a line its style.
func (s sheet) compute(line []element) {
	e := &line[len(line)-1]
	e.style = map[string]string{}
	if len(line) > 1 {
		for _, p := range inherited {
			if v, ok := line[len(line)-2].style[p]; ok {
				e.style[p] = v
			}
		}
	}
	for _, r := range s {
		if r.fits(line) {
			for k, v := range r.props {
				e.style[k] = v
			}
		}
	}
}

// length reads a number of px, with a default.
func (e element) length(property string, otherwise float64) float64 {
	if v, err := strconv.ParseFloat(strings.TrimSuffix(e.style[property], "px"), 64); err == nil {
		return v
	}
	return otherwise
}
