package reportbench

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/notebook"
	"tillflow/lib/pg"
)

// queries measures the queries of the page of the defaults, and of the pages that differ in one choice. Each round knows
// nothing of the one before: no result is served again.
func (b *bench) queries(ctx context.Context) error {
	b.Say("its queries")
	took, data, err := b.load(ctx, nil)
	if err != nil {
		return err
	}
	b.data = data
	b.out.QueryMS, b.out.QueryCPUMS = ms(took.wall), ms(took.server)
	for cell, r := range data.Results {
		if r.Err != nil {
			return fmt.Errorf("the queries of %s: %w", b.report.File, r.Err)
		}
		b.out.Queries = append(b.out.Queries, Query{cell, ms(r.Took), r.Frame.Rows()})
	}
	slices.SortFunc(b.out.Queries, func(a, b Query) int { return cmp.Or(cmp.Compare(b.MS, a.MS), cmp.Compare(a.Cell, b.Cell)) })
	b.out.Choices = []Choice{}
	for _, f := range data.Filters() {
		for _, c := range f.Choices {
			if c.Current {
				continue
			}
			took, _, err := b.load(ctx, notebook.Values{f.Param: c.Value})
			if err != nil {
				return err
			}
			b.out.Choices = append(b.out.Choices, Choice{f.Param + "=" + c.Value, ms(took.wall), ms(took.server)})
		}
	}
	return nil
}

// load runs the queries of a page.
func (b *bench) load(ctx context.Context, v notebook.Values) (took spent, data *notebook.Data, err error) {
	took, err = b.best(ctx, b.Rounds, func() error {
		book := notebook.NewBook(b.report)
		book.Patient = true
		return pg.ReadOnly(ctx, b.db, 0, func(tx pgx.Tx) (err error) {
			data, err = book.Snapshot(tx, b.until, b.until).Page(ctx, v)
			return err
		})
	})
	return took, data, err
}

// buildRounds is how often the page is built: it takes so little that the first times, when nothing is warm, would tell.
const buildRounds = 30

// build measures the drawing of the page from rows that are there.
func (b *bench) build(ctx context.Context) error {
	b.Say("its page")
	var page bytes.Buffer
	var drawn notebook.Drawn
	took, err := b.best(ctx, b.Rounds*buildRounds, func() (err error) {
		page.Reset()
		drawn, err = b.data.Draw(&page)
		return err
	})
	if err != nil {
		return err
	}
	if drawn.Current != drawn.Cells {
		return fmt.Errorf("only %d of the %d cells of %s are current", drawn.Current, drawn.Cells, b.report.File)
	}
	b.page = page.Bytes()
	b.out.Cells, b.out.BuildMS, b.out.BuildCPUMS, b.out.Bytes = drawn.Cells, ms(took.wall), ms(took.own), len(b.page)
	b.out.GzipBytes, err = zipped(b.page)
	return err
}

// zipped is how many bytes a page has on its way to a reader.
func zipped(page []byte) (int, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(page); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return out.Len(), nil
}

// otherPage is the page with other numbers in every cell that has some: the most that a refresh can change.
func (b *bench) otherPage() ([]byte, error) {
	d := *b.data
	d.Built = d.Built.Add(d.Report.Refresh)
	d.Results = maps.Clone(d.Results)
	for cell, r := range d.Results {
		f := *r.Frame
		f.Columns = slices.Clone(f.Columns)
		for i := range f.Columns {
			c := &f.Columns[i]
			c.Floats, c.Ints = slices.Clone(c.Floats), slices.Clone(c.Ints)
			for k := range c.Floats {
				c.Floats[k] *= 1.037
			}
			for k := range c.Ints {
				c.Ints[k] += 3
			}
		}
		r.Frame = &f
		d.Results[cell] = r
	}
	var page bytes.Buffer
	_, err := d.Draw(&page)
	return page.Bytes(), err
}

// changed counts the cells that differ in two pages.
func changed(a, b []byte) int {
	hashes := func(page []byte) map[string]bool {
		out := map[string]bool{}
		for part := range strings.SplitSeq(string(page), `<article class="`) {
			if i := strings.Index(part, ` data-h="`); i > 0 && i < 400 {
				out[part[:i+30]] = true
			}
		}
		return out
	}
	old, n := hashes(a), 0
	for h := range hashes(b) {
		if !old[h] {
			n++
		}
	}
	return n
}
