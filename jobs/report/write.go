package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tillflow/lib/notebook"
	"tillflow/lib/replace"
)

// status stands beside each page for scripts: how current it is, without reading HTML. It also tells a later process
// which pages are this report's.
type status struct {
	Report  string          `json:"report"`
	Page    string          `json:"page"`
	Main    string          `json:"main"` // the report's own page
	Values  notebook.Values `json:"values,omitempty"`
	Built   time.Time       `json:"built"`
	AsOf    time.Time       `json:"as_of"`
	Cells   int             `json:"cells"`
	Current int             `json:"current"`
	Bytes   int             `json:"bytes"`
	Failed  []failedCell    `json:"failed"`
	Pages   []string        `json:"pages,omitempty"` // of the main page: all that are kept up
}

type failedCell struct {
	Cell  string `json:"cell"`
	Error string `json:"error"`
}

// statusName is the status file of a page.
func statusName(page string) string { return strings.TrimSuffix(page, ".html") + ".status.json" }

// write replaces a page, and after it its status. A new page has its status first, so that no page is without one even
// when the process is killed in between.
func (j *Job) write(name string, html []byte, data *notebook.Data, p page) error {
	s := status{Report: j.with.File, Page: name, Main: j.with.Out, Values: data.Values, Built: data.Built.UTC(), AsOf: data.AsOf.UTC(),
		Cells: p.cells, Current: p.current, Bytes: p.bytes, Failed: []failedCell{}}
	for _, e := range p.failed {
		s.Failed = append(s.Failed, failedCell{e.Cell, e.Error()})
	}
	if name == j.with.Out {
		s.Pages = j.names()
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if err := os.MkdirAll(j.deps.Out, 0o755); err != nil {
		return fmt.Errorf("make the output folder: %w", err)
	}
	page, beside := filepath.Join(j.deps.Out, name), filepath.Join(j.deps.Out, statusName(name))
	if _, err := os.Stat(beside); errors.Is(err, fs.ErrNotExist) {
		if err := replace.File(beside, text); err != nil {
			return err
		}
	}
	if err := replace.File(page, html); err != nil {
		return err
	}
	return replace.File(beside, text)
}

// names lists the pages that are kept up, when there are more than one.
func (j *Job) names() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var names []string
	for name := range j.pages {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) < 2 {
		return nil
	}
	return names
}

// drop takes a page out of the folder, and after it its status.
func (j *Job) drop(name string) error {
	j.mu.Lock()
	delete(j.pages, name)
	j.mu.Unlock()
	for _, file := range []string{name, statusName(name)} {
		if err := os.Remove(filepath.Join(j.deps.Out, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove page: %w", err)
		}
	}
	return nil
}

// found lists the pages that an earlier process has left, so that those that are no longer made can go.
func (j *Job) found() map[string]*page {
	pages := map[string]*page{}
	entries, _ := os.ReadDir(j.deps.Out) // no folder yet: no pages
	prefix := strings.TrimSuffix(j.with.Out, ".html") + "."
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), ".status.json") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(j.deps.Out, e.Name()))
		if err != nil {
			continue
		}
		var s status
		if json.Unmarshal(text, &s) != nil || s.Report != j.with.File || s.Main != j.with.Out || statusName(s.Page) != e.Name() {
			continue // of another report
		}
		pages[s.Page] = &page{values: s.Values, built: s.Built, asked: s.Built, fixed: j.book.Report.ForEach() && len(s.Values) == 1}
	}
	return pages
}
