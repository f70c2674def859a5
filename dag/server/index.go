package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the parts of the index
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

var (
	//go:embed index.html.tmpl
	indexText string
	//go:embed index.css
	indexCSS string
	//go:embed index.js
	indexJS string
)

// indexPolicy lets nothing run or come in but the index's own style and script, known by their hashes.
var indexPolicy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
	hash(indexCSS), hash(indexJS))

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

var indexPage = template.Must(template.New("index").Funcs(template.FuncMap{
	"style":  func() template.HTML { return template.HTML("<style>" + indexCSS + "</style>") },  // our own text
	"script": func() template.HTML { return template.HTML("<script>" + indexJS + "</script>") }, // our own text
	"ago":    ago,
	"count":  count,
	"at":     func(r report, now time.Time) factsView { return factsView{r, now} },
}).Parse(indexText))

// indexView is what the index shows.
type indexView struct {
	Reports []report
	Now     time.Time
}

// factsView is one report as it is now.
type factsView struct {
	Report report
	Now    time.Time
}

// index sends a visitor to the only report, or lists them.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	reports := s.reports()
	if len(reports) == 1 {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "/"+reports[0].Page, http.StatusFound)
		return
	}
	var b bytes.Buffer
	if err := indexPage.Execute(&b, indexView{reports, s.cfg.Now()}); err != nil {
		http.Error(w, "the list of reports cannot be written", http.StatusInternalServerError)
		s.cfg.Log.Error("write the index", "error", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", indexPolicy)
	send(w, r, made(b.Bytes()))
}

// ago is how long ago a page was built, in one unit.
func ago(now, then time.Time) string {
	d := max(0, now.Sub(then))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// count is a number of things: count 1 "page" is "1 page".
func count(n int, word string) string {
	if n != 1 {
		word = strings.TrimSuffix(word, "y") + map[bool]string{true: "ies", false: "s"}[strings.HasSuffix(word, "y")]
	}
	return fmt.Sprintf("%d %s", n, word)
}
