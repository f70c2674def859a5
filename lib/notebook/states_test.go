package notebook_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/golden"
	"tillflow/lib/notebook"
)

// failing is what testdata/failing.md would load ten minutes after its database lost a table: one query never gave rows,
// one gave its last ones four minutes ago, a third waits for it, one gives no rows and the rest are well.
func failing(t testing.TB) *notebook.Data {
	t.Helper()
	src, err := os.ReadFile("testdata/failing.md")
	if err != nil {
		t.Fatal(err)
	}
	rep, problems := notebook.Parse("reports/failing.md", src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	built := at.Add(10 * time.Minute)
	rows := func(when time.Time) notebook.Result {
		return notebook.Result{At: when, Frame: &frame.Frame{Columns: []frame.Column{
			{Name: "store", Strings: []string{"Riyadh", "Jeddah"}},
			{Name: "sales", Kind: frame.Int, Ints: []int64{4000, 3000}},
		}}}
	}
	stale := rows(built.Add(-4 * time.Minute))
	stale.Err = &notebook.CellError{File: "reports/failing.md", Cell: "slow", Line: 11, Msg: "took longer than 5s and was cancelled", Hint: "make the query cheaper, let it serve longer with cache=, or raise timeout="}
	waits := rows(built.Add(-5 * time.Minute))
	waits.Waiting = "slow"
	return &notebook.Data{Report: rep, AsOf: built, Built: built, Results: map[string]notebook.Result{
		"good": rows(built), "slow": stale, "below_slow": waits, "nothing": {At: built, Frame: &frame.Frame{Columns: []frame.Column{{Name: "store"}, {Name: "sales", Kind: frame.Int}}}},
		"cover": {Since: built, Err: &notebook.CellError{File: "reports/failing.md", Cell: "cover", Line: 22, Col: 12, Msg: `column "on_hand" does not exist`, Hint: `perhaps you meant "stores.on_hands"`,
			Source: "       min(on_hand) as cover", Mark: "           ^^^^^^^"}},
	}}
}

// article gives a cell of a page.
func article(t testing.TB, page, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<article class="[^"]*" data-cell="` + name + `".*?</article>`).FindString(page)
	if m == "" {
		t.Fatalf("no cell %s on the page", name)
	}
	return m
}

// The rules for a cell that fails, as a reader sees them.
func TestStatesOfCells(t *testing.T) {
	page, drawn := draw(t, failing(t))
	golden.Check(t, "testdata/failing.html", []byte(outline(page)))
	shows := func(cell string, want ...string) {
		t.Helper()
		got := article(t, page, cell)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("cell %s lacks %q:\n%s", cell, w, got)
			}
		}
	}
	t.Run("every_other_cell_is_drawn", func(t *testing.T) {
		shows("sales", `<p class="figure">4,000</p>`)
		shows("by_store", "<svg", "2 rows")
	})
	t.Run("a_cell_below_waits_for_the_failed_one", func(t *testing.T) {
		shows("cover_table", "Waiting for <code>cover</code>")
	})
	t.Run("the_last_good_rows_stay_with_their_age", func(t *testing.T) {
		shows("slow_table", "<b>Stale since 17:20:00</b>, 4 min ago. slow: took longer than 5s and was cancelled", "<bdi>Riyadh</bdi>")
		shows("slow_sales", "<b>Stale since 17:20:00</b>, 4 min ago", `<p class="figure">4,000</p>`)
		shows("slow_below", "<b>Stale since 17:19:00</b>, 5 min ago. waiting for slow", "<bdi>Jeddah</bdi>")
	})
	t.Run("an_error_says_where", func(t *testing.T) {
		shows("cover", "This cell failed.</b> column &#34;on_hand&#34; does not exist", "reports/failing.md, cell cover, line 22, column 12",
			"<pre>       min(on_hand) as cover\n<b>           ^^^^^^^</b></pre>", "perhaps you meant")
	})
	t.Run("no_rows_are_no_error", func(t *testing.T) {
		shows("none", `<p class="none">No returns today.</p>`)
		if strings.Contains(article(t, page, "none"), "failed") {
			t.Error("a cell without rows counts as failed")
		}
	})
	t.Run("the_header_counts", func(t *testing.T) {
		if drawn.Cells != 8 || drawn.Current != 4 || !strings.Contains(page, `<span class="warn">4 of 8 cells current</span>`) {
			t.Errorf("%d of %d cells current", drawn.Current, drawn.Cells)
		}
		if len(drawn.Failed) != 2 {
			t.Errorf("failed: %v", drawn.Failed)
		}
	})
	t.Run("a_panic_is_one_cell", func(t *testing.T) {
		d := failing(t)
		f := d.Results["good"].Frame
		f.Columns[1].Ints = f.Columns[1].Ints[:1]
		page, drawn := draw(t, d)
		if got := article(t, page, "good_table"); !strings.Contains(got, "cannot be drawn") || !strings.Contains(got, "cell good_table, line") || strings.Contains(got, "goroutine") {
			t.Errorf("the cell that panicked:\n%s", got)
		}
		// The chart of the same broken rows says what is wrong with them; the figure needs only the first.
		if !strings.Contains(article(t, page, "sales"), "4,000") || drawn.Current != 2 {
			t.Errorf("the panic reached others: %d cells current", drawn.Current)
		}
	})
	t.Run("half_a_page_is_never_written", func(t *testing.T) {
		w := &countingWriter{}
		if _, err := failing(t).Draw(w); err != nil || w.writes != 1 {
			t.Errorf("%d writes, %v; a page is written whole or not at all", w.writes, err)
		}
		if _, err := failing(t).Draw(&countingWriter{err: os.ErrClosed}); err == nil {
			t.Error("a writer's error was lost")
		}
	})
}

type countingWriter struct {
	writes int
	err    error
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.writes++
	if !strings.HasSuffix(string(b), "</html>\n") {
		return 0, fmt.Errorf("half a page: %q", b[max(0, len(b)-20):])
	}
	return len(b), w.err
}
