package report

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
)

// Ask wants a page of the report, by its file name: one that is not there is made before Ask returns, and each run keeps it
// up until nobody has asked for a minute. Asking for a page that is there costs a look at the folder. The error wraps
// fs.ErrNotExist when the report has no such page.
func (j *Job) Ask(ctx context.Context, name string) error {
	if !j.current().Report.MayHave(name) {
		return fmt.Errorf("%s has no page %s: %w", j.with.File, name, fs.ErrNotExist)
	}
	if j.wanted(name) {
		return nil
	}
	done, err := j.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	if j.wanted(name) { // made while we waited
		return nil
	}
	book := j.current()
	r := j.begin(book, run.Input{})
	return j.reader.ReadOnly(ctx, 0, func(tx pgx.Tx) error {
		r.snap = book.Snapshot(tx, r.asOf, r.now)
		if name == book.Report.Page && book.Report.ForEach() {
			index, _, err := r.snap.Index(ctx)
			if err != nil {
				return err
			}
			return r.write(name, index)
		}
		v, err := r.snap.Named(ctx, name)
		if err != nil {
			return err
		}
		data, err := r.snap.Page(ctx, v)
		if err != nil {
			return err
		}
		j.admit(name, &page{values: v, asked: r.now, fixed: name == book.Report.Page})
		return r.write(name, data)
	})
}

// wanted notes that somebody asks for a page; false when it has to be made.
func (j *Job) wanted(name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.pages[name]
	if p == nil {
		return false
	}
	p.asked = j.deps.Now()
	if p.built.IsZero() {
		return false
	}
	_, err := os.Stat(filepath.Join(j.deps.Out, name))
	return err == nil
}

// admit keeps a page up. Past mostKept the one goes that was not asked for the longest.
func (j *Job) admit(name string, p *page) {
	var oldest string
	j.mu.Lock()
	if old := j.pages[name]; old != nil {
		p.fixed = old.fixed
	}
	j.pages[name] = p
	n := 0
	var since time.Time
	for other, q := range j.pages {
		if q.fixed {
			continue
		}
		n++
		if oldest == "" || q.asked.Before(since) {
			oldest, since = other, q.asked
		}
	}
	j.mu.Unlock()
	if n > mostKept {
		if err := j.drop(oldest); err != nil {
			j.deps.Log.Warn("a page that is no longer made stays", "job", j.name, "page", oldest, "error", err)
		}
	}
}
