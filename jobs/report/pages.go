package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/notebook"
)

const (
	askedFor = time.Minute // how long a page is kept up after a reader last asked for it
	mostKept = 50          // pages that are kept up because somebody asked, or by pages: all
)

// page is one that is kept up.
type page struct {
	values  notebook.Values
	built   time.Time // when it was last written; zero: not yet
	asked   time.Time // when a reader last wanted it; zero: nobody has
	fixed   bool      // made without being asked for
	cells   int
	current int
	bytes   int
	failed  []*notebook.CellError
}

// rendering is a Run or an Ask in hand.
type rendering struct {
	job       *Job
	book      *notebook.Book
	snap      *notebook.Snapshot
	asOf, now time.Time
	once      bool
	until     time.Time // pages that nobody waits for are left to the next run after it

	rows int64
}

func (j *Job) begin(book *notebook.Book, in run.Input) *rendering {
	r := &rendering{job: j, book: book, asOf: in.AsOf, now: j.deps.Now(), once: in.Once}
	if r.asOf.IsZero() {
		r.asOf = r.now
	}
	budget := book.Report.Refresh / 2
	if j.budget != nil {
		budget = *j.budget
	}
	r.until = time.Now().Add(budget)
	return r
}

// all renders what is due: first the pages readers have open, then the others for as long as half of a refresh interval
// lasts, those first that have waited longest; the rest waits for the next runs. The index comes last: it links to pages
// that are there.
func (r *rendering) all(ctx context.Context) error {
	main := r.book.Report.Page
	fixed := map[string]notebook.Values{}
	var order []string // of the pages that are fixed
	var index *notebook.Data
	known := true
	if r.book.Report.ForEach() {
		data, each, err := r.snap.Index(ctx)
		if err != nil {
			return err
		}
		index, known = data, each != nil
		for _, v := range each {
			name := notebook.PageName(r.book.Report, v)
			order, fixed[name] = append(order, name), v
		}
	} else {
		data, err := r.snap.Page(ctx, nil)
		if err != nil {
			return err
		}
		for _, v := range data.Combinations(mostKept) {
			name := notebook.PageName(r.book.Report, v)
			order, fixed[name] = append(order, name), v
		}
	}
	r.job.expect(main, order, fixed, known, r.once, r.now)
	unasked := 0 // pages made for nobody in particular; one at least, so that all have their turn
	for _, name := range r.job.due(main, order, r.now) {
		p, ok := r.job.page(name)
		if !ok {
			continue
		}
		if name != main && !asking(&p, r.now) {
			if unasked > 0 && !r.once && time.Now().After(r.until) {
				break
			}
			unasked++
		}
		if err := r.render(ctx, name, p); err != nil {
			return err
		}
	}
	if index != nil {
		if err := r.write(main, index); err != nil {
			return err
		}
	}
	r.book.Keep(r.job.remembered(r.now))
	return nil
}

// render makes one page. One whose values there are no longer goes; when nobody knows what there is to choose, because that
// query fails, it stays as it is.
func (r *rendering) render(ctx context.Context, name string, p page) error {
	data, err := r.snap.Page(ctx, p.values)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.job.drop(name)
	case errors.As(err, new(*notebook.CellError)):
		r.job.deps.Log.Debug("page left as it was", "job", r.job.name, "page", name, "error", err)
		return nil
	case err != nil:
		return err
	}
	return r.write(name, data)
}

// write draws a page and puts it into the folder.
func (r *rendering) write(name string, data *notebook.Data) error {
	data.Timings = !r.once // a page that is made once can be compared with another
	data.Has, data.Asked = r.job.has, !r.once
	var html bytes.Buffer
	drawn, err := data.Draw(&html)
	if err != nil {
		return err
	}
	r.rows += data.Rows()
	p := page{values: data.Values, built: r.now, cells: drawn.Cells, current: drawn.Current, bytes: drawn.Bytes, failed: drawn.Failed}
	if err := r.job.write(name, html.Bytes(), data, p); err != nil {
		return err
	}
	r.job.note(name, p)
	return nil
}

// note says how the main page came out, for the history of runs.
func (r *rendering) note() string {
	r.job.mu.Lock()
	defer r.job.mu.Unlock()
	p := r.job.pages[r.book.Report.Page]
	if p == nil {
		return ""
	}
	s := fmt.Sprintf("%d of %d cells current, %d kB", p.current, p.cells, (p.bytes+999)/1000)
	if n := len(r.job.pages); n > 1 {
		fresh := 0
		for _, p := range r.job.pages {
			if p.built.Equal(r.now) {
				fresh++
			}
		}
		s += fmt.Sprintf(", %d of %d pages", fresh, n)
	}
	return s
}

// expect brings the pages that are kept up in line with those there should be; the files of others go. known is false
// when the values of for_each cannot be had: then none of their pages goes.
func (j *Job) expect(main string, order []string, fixed map[string]notebook.Values, known, once bool, now time.Time) {
	j.mu.Lock()
	if j.pages[main] == nil {
		j.pages[main] = &page{fixed: true}
	}
	for _, name := range order {
		if j.pages[name] == nil {
			j.pages[name] = &page{}
		}
		j.pages[name].values, j.pages[name].fixed = fixed[name], true
	}
	var gone []string
	for name, p := range j.pages {
		_, wanted := fixed[name]
		switch {
		case name == main || wanted:
		case p.fixed && known, !p.fixed && !asking(p, now) && !once:
			gone = append(gone, name)
		}
	}
	j.mu.Unlock()
	for _, name := range gone {
		if err := j.drop(name); err != nil {
			j.deps.Log.Warn("a page that is no longer made stays", "job", j.name, "page", name, "error", err)
		}
	}
}

// asking tells whether a reader has the page open, as far as we know.
func asking(p *page, now time.Time) bool {
	return !p.asked.IsZero() && now.Sub(p.asked) < askedFor
}

// due lists pages in the order in which they are to be made: the main one, those somebody looks at, and the rest by how long
// they have waited.
func (j *Job) due(main string, order []string, now time.Time) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	names := slices.Clone(order)
	for _, name := range slices.Sorted(maps.Keys(j.pages)) {
		if !j.pages[name].fixed {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		p, q := j.pages[a], j.pages[b]
		if (a == main) != (b == main) {
			return map[bool]int{true: -1, false: 1}[a == main]
		}
		if a, b := asking(p, now), asking(q, now); a != b {
			return map[bool]int{true: -1, false: 1}[a]
		}
		return p.built.Compare(q.built)
	})
	return names
}

// page is a copy of what is known of a page.
func (j *Job) page(name string) (page, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.pages[name]; p != nil {
		return *p, true
	}
	return page{}, false
}

func (j *Job) has(name string) bool {
	p, _ := j.page(name)
	return !p.built.IsZero()
}

// remembered are the pages whose last good results are kept for when a cell fails: all of them, or, of many, those that
// somebody has open. The results of a thousand pages would be memory for nobody.
func (j *Job) remembered(now time.Time) []notebook.Values {
	const many = 100
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []notebook.Values
	for _, p := range j.pages {
		if len(j.pages) <= many || asking(p, now) {
			all = append(all, p.values)
		}
	}
	return all
}

// note remembers how a page came out.
func (j *Job) note(name string, p page) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old := j.pages[name]; old != nil {
		p.asked, p.fixed = old.asked, old.fixed
	}
	j.pages[name] = &p
}
