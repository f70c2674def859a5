package notebook

import (
	"html/template"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// highlighted remembers colored queries by their text: a report shows the same ones each time.
var highlighted sync.Map // string -> template.HTML

// colored gives the query as HTML: keywords in b, comments in i, text in em, which the page's style colours by theme.
// chroma's own HTML has a class for each of fifty kinds of words and is twice as long.
func (s *sqlSpec) colored() template.HTML {
	if h, ok := highlighted.Load(s.text); ok {
		return h.(template.HTML)
	}
	h := template.HTML(highlight(s.text))
	highlighted.Store(s.text, h)
	return h
}

func highlight(sql string) string {
	tokens, err := chroma.Coalesce(lexers.Get("postgres")).Tokenise(nil, sql)
	if err != nil {
		return template.HTMLEscapeString(sql)
	}
	var b strings.Builder
	for t := tokens(); t != chroma.EOF; t = tokens() {
		text := template.HTMLEscapeString(t.Value)
		if tag := sqlTag(t.Type); tag != "" {
			text = "<" + tag + ">" + text + "</" + tag + ">"
		}
		b.WriteString(text)
	}
	return b.String()
}

func sqlTag(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Keyword):
		return "b"
	case t.InCategory(chroma.Comment):
		return "i"
	case t.InSubCategory(chroma.LiteralString):
		return "em"
	}
	return ""
}
