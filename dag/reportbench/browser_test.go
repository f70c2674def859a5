//go:build browser

package reportbench

import (
	"log/slog"
	"testing"
)

// With a browser the page is painted, and a refresh is seen to change its cells.
func TestRunInABrowser(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	res, err := Run(t.Context(), Config{Rows: 20_000, Rounds: 1, Log: slog.New(slog.DiscardHandler), Say: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if res.FirstPaintMS == nil || *res.FirstPaintMS <= 0 || *res.RefreshMS <= 0 || *res.RefreshCPUMS <= 0 || res.CellsChanged < res.Cells/2 || res.OpenCPU != nil {
		t.Errorf("%+v", res)
	}
}
