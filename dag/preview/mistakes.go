package preview

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"time"
)

//go:embed mistakes.html.tmpl
var mistakesSource string

//go:embed mistakes.css
var mistakesStyle string

var mistakesTemplate = template.Must(template.New("mistakes").Parse(mistakesSource))

// mistakesMark is in the first line of the page.
const mistakesMark = `data-edition="mistakes"`

// mistakesScript loads the page anew when the file was saved. The page does so without a script as well, every few seconds.
const mistakesScript = `new EventSource('/events?page=' + encodeURIComponent(decodeURIComponent(location.pathname.slice(1)))).addEventListener('report', () => location.reload());`

// mistakesPage stands in the place of a report that cannot be rendered: what is wrong, at which line, and nothing of the
// last good page, so that nobody takes old figures for new ones. An open page of the report turns into it and, once the
// file is repaired, back: it carries the marks by which a page knows a newer one of itself.
func mistakesPage(title, about, text string, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	err := mistakesTemplate.Execute(&b, map[string]any{
		"Title": title, "About": about, "Text": text, "Built": at.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"Style": template.HTML("<style>" + mistakesStyle + "</style>"), "StyleHash": sourceHash(mistakesStyle),
		"Script": template.HTML("<script>" + mistakesScript + "</script>"), "ScriptHash": sourceHash(mistakesScript),
	})
	if err != nil {
		return nil, fmt.Errorf("draw the page of mistakes: %w", err)
	}
	return b.Bytes(), nil
}

// sourceHash names a style or a script in a content policy: nothing else runs on the page.
func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
