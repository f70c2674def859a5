package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tillflow/lib/notebook"
)

// status stands beside the page for scripts: how current it is, without reading HTML.
type status struct {
	Report  string       `json:"report"`
	Built   time.Time    `json:"built"`
	AsOf    time.Time    `json:"as_of"`
	Cells   int          `json:"cells"`
	Current int          `json:"current"`
	Bytes   int          `json:"bytes"`
	Failed  []failedCell `json:"failed"`
}

type failedCell struct {
	Cell  string `json:"cell"`
	Error string `json:"error"`
}

// write replaces the page, and after it its status.
func (j *Job) write(page []byte, data *notebook.Data, drawn notebook.Drawn) error {
	s := status{Report: j.with.File, Built: data.Built.UTC(), AsOf: data.AsOf.UTC(), Cells: drawn.Cells, Current: drawn.Current, Bytes: drawn.Bytes, Failed: []failedCell{}}
	for _, e := range drawn.Failed {
		s.Failed = append(s.Failed, failedCell{e.Cell, e.Error()})
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.deps.Out, 0o755); err != nil {
		return fmt.Errorf("make the output folder: %w", err)
	}
	if err := replace(j.Page(), page); err != nil {
		return err
	}
	return replace(strings.TrimSuffix(j.Page(), ".html")+".status.json", append(text, '\n'))
}

// replace writes a file beside path and renames it over path: readers get the old bytes or the new ones. Two processes
// may do so at once, and one that is killed leaves at most one temporary file. It does not force the bytes to disk:
// after a power cut the page is rendered again anyway.
func replace(path string, content []byte) error {
	dir, name := filepath.Split(path)
	tmp := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", name, os.Getpid()))
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("replace page: %w", err)
	}
	return nil
}
