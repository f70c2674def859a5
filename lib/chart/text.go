package chart

import (
	"math"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/golang/freetype/truetype"
	gochart "github.com/wcharczuk/go-chart/v2"
	"golang.org/x/image/math/fixed"
)

const (
	textSize   = 13.0 // axis labels and values, px
	capHeight  = 10.0 // height go-chart centres and stacks labels by, px: a capital letter, not the whole em
	numberSize = 26.0 // the number in a donut, px
	boldSize   = 14.5 // labels on marks are 13 px but bold: as wide as thin text of this size
	tallSize   = 28.5 // the same for the number in a donut

	// The page draws with the reader's system font; we measure with the one go-chart carries. Common system fonts are up
	// to 13 % wider (DejaVu Sans the widest), so every width is taken that much wider: too much room is a thin white
	// strip, too little is a cut label.
	slack = 1.13

	ellipsis       = "…"
	rightToLeft    = '\u200f'
	missingAdvance = 0.75 // em, for a glyph the face lacks: Arabic letters are narrower
	wideAdvance    = 1.1  // em, for ideographs and pictures
)

// face gives advances in em. It is made once: go-chart makes a face for each text it measures, which was most of the
// time of a chart. Advances scale with the size because nothing is hinted.
var face = sync.OnceValue(func() *advances {
	font, err := gochart.GetDefaultFont()
	if err != nil {
		font = nil // the embedded font is broken: every glyph gets the advance of a missing one
	}
	a := &advances{font: font}
	for c := range a.ascii {
		a.ascii[c] = a.look(rune(c))
	}
	return a
})

type advances struct {
	font  *truetype.Font
	ascii [128]float64
}

// look reads the advance of one rune from the font, in em. Reading has no state, so it is safe from many goroutines.
func (a *advances) look(c rune) float64 {
	switch {
	case c < 0x20 || c >= 0x7f && c < 0xa0:
		return missingAdvance // written as a replacement character
	case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		return 0 // marks sit on the letter before; format characters show nothing
	case a.font != nil && a.font.Index(c) != 0:
		em := a.font.FUnitsPerEm()
		w := float64(a.font.HMetric(fixed.Int26_6(em), a.font.Index(c)).AdvanceWidth) / float64(em)
		if unicode.Is(unicode.Sm, c) {
			w = max(w, missingAdvance) // < = > + differ far more between fonts than letters do
		}
		return w
	case c >= 0x1100 && unicode.In(c, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana, unicode.So, unicode.Sk):
		return wideAdvance
	}
	return missingAdvance
}

// width is the room a text needs at a size, in px, on the safe side for any system font.
func width(text string, size float64) float64 {
	a, em := face(), 0.0
	for _, c := range text {
		if c < 128 {
			em += a.ascii[c]
		} else {
			em += a.look(c)
		}
	}
	return em * size * slack
}

// cut shortens text to fit into room px, with an ellipsis at its end. It may come out empty.
func cut(text string, size, room float64) string {
	if width(text, size) <= room {
		return text
	}
	room -= width(ellipsis, size)
	if room <= 0 {
		return ""
	}
	used, end, rtl := 0.0, 0, false
	for i, c := range text {
		w := width(string(c), size)
		if used+w > room {
			break
		}
		used, end = used+w, i+utf8.RuneLen(c)
		if unicode.IsLetter(c) {
			rtl = isRTL(c)
		}
	}
	kept := strings.TrimRightFunc(text[:end], unicode.IsSpace)
	if rtl { // a right-to-left mark keeps the ellipsis at the end of the name, which is its left side
		return kept + ellipsis + string(rightToLeft)
	}
	return kept + ellipsis
}

func isRTL(c rune) bool {
	return unicode.In(c, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// isolate keeps a right-to-left name from pulling the numbers beside it to its other side.
func isolate(name string) string {
	if strings.IndexFunc(name, isRTL) < 0 {
		return name
	}
	return "\u2068" + name + "\u2069"
}

// escape makes any text safe inside an element and inside a quoted attribute, as XML and as HTML. What XML does not
// allow at all, such as control characters and broken UTF-8, becomes a replacement character.
func escape(text string) string {
	if !strings.ContainsFunc(text, needsEscape) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for _, c := range text {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&#34;")
		case c == '\'':
			b.WriteString("&#39;")
		case c == '\n':
			b.WriteString("&#10;") // a plain one would turn into a space in an attribute
		case c == '\t':
			b.WriteByte(' ')
		case needsEscape(c):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func needsEscape(c rune) bool {
	switch c {
	case '&', '<', '>', '"', '\'', utf8.RuneError, 0xfffe, 0xffff:
		return true
	}
	return c < 0x20 || (c >= 0x7f && c < 0xa0)
}

// ceil is a width in whole pixels, for go-chart's boxes.
func ceil(px float64) int { return int(math.Ceil(px)) }
