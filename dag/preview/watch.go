package preview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/notebook"
	"tillflow/lib/replace"
	"tillflow/lib/strictyaml"
)

// look is how often the files are read to see whether they were saved. They are few and small, so a look costs less than a
// tenth of a millisecond; a notification of the system would need a module, differ between systems, and lose a file that
// an editor saves by replacing it.
const look = 200 * time.Millisecond

// Renderer renders a report again and again; jobs/report has it.
type Renderer interface {
	Run(ctx context.Context, in run.Input) (run.Result, error) // writes the page
	Page() string                                              // path of the page
	Ask(ctx context.Context, page string) error                // makes a page of other values; fs.ErrNotExist when there is none
}

// Watch renders a report when one of its files is saved and when its refresh interval is over. Where it cannot be
// rendered, its page says why.
type Watch struct {
	Path string                   // the report file, from where the command runs
	Page string                   // path of the page
	New  func() (Renderer, error) // called for a file without problems, until it has given one
	Out  io.Writer                // told in one line of each rendering, and of what is wrong
	Now  func() time.Time

	mu       sync.Mutex // over renderer
	renderer Renderer
	first    sync.Once
	begun    chan struct{} // closed when there is something to see

	report *notebook.Report // that is rendered; nil while the file has problems
	wrong  string           // what the page of mistakes says; "" when there is none
}

// shows is closed when there is something to see: the page, or what is wrong.
func (w *Watch) shows() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun == nil {
		w.begun = make(chan struct{})
	}
	return w.begun
}

// Run goes on until ctx ends, which is no error.
func (w *Watch) Run(ctx context.Context) error {
	var due time.Time
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if w.report == nil || !w.report.Current("") {
			if err := w.read(ctx); err != nil {
				return err
			}
			due = time.Time{}
		}
		if now := w.Now(); w.report != nil && !now.Before(due) {
			if err := w.render(ctx); err != nil {
				return err
			}
			due = now.Add(w.report.Refresh)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// read parses the files.
func (w *Watch) read(ctx context.Context) error {
	wrong, rep := w.parse()
	if rep == nil {
		return w.confirm(ctx, wrong)
	}
	w.use(rep)
	return nil
}

// confirm tells what is wrong with the files when it is so at a second look too: an editor may be in the middle of writing.
func (w *Watch) confirm(ctx context.Context, wrong string) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(look / 2):
	}
	again, rep := w.parse()
	w.use(rep)
	if rep == nil && again == wrong {
		return w.tell("cannot be rendered", wrong)
	}
	return nil
}

// use takes a report for the next renderings, nil for none.
func (w *Watch) use(rep *notebook.Report) {
	w.report = rep
	if rep != nil {
		fmt.Fprint(w.Out, warnings(rep))
	}
}

// parse gives the report, or what is wrong with it.
func (w *Watch) parse() (wrong string, rep *notebook.Report) {
	rep, problems, err := notebook.Open("", filepath.ToSlash(w.Path))
	switch {
	case err != nil:
		return "read the report: " + err.Error() + "\n", nil
	case len(problems) > 0:
		return strictyaml.Frames(problems), nil
	}
	return "", rep
}

func warnings(rep *notebook.Report) string {
	ps := rep.Warnings()
	for i := range ps {
		ps[i].Msg = "warning: " + ps[i].Msg
	}
	return strictyaml.Frames(ps)
}

// tell puts the page of mistakes in place of the report and says the same in the terminal, once.
func (w *Watch) tell(title, text string) error {
	if text == w.wrong {
		return nil
	}
	w.wrong = text
	now := w.Now()
	page, err := mistakesPage(filepath.Base(w.Path)+" "+title, w.Path+", "+now.Format("15:04:05"), text, now)
	if err != nil {
		return err
	}
	for _, path := range append(w.others(), w.Page) {
		if err := replace.File(path, page); err != nil {
			return err
		}
	}
	w.first.Do(func() { close(w.shows()) })
	fmt.Fprintf(w.Out, "%s %s %s\n%s", now.Format("15:04:05"), w.Path, title, text)
	return nil
}

// render renders once. Trouble that is not in the file, such as a database that is away, is tried again at the next
// refresh.
func (w *Watch) render(ctx context.Context) error {
	begun := w.Now()
	result, err := w.once(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return w.tell("was not rendered", strings.TrimRight(err.Error(), "\n")+"\n")
	}
	if w.wrong != "" {
		w.wrong = ""
		if err := w.clear(); err != nil {
			return err
		}
	}
	w.first.Do(func() { close(w.shows()) })
	now := w.Now()
	_, err = fmt.Fprintf(w.Out, "%s %s, %s\n", now.Format("15:04:05"), result.Note, now.Sub(begun).Round(time.Millisecond))
	return err
}

func (w *Watch) once(ctx context.Context) (run.Result, error) {
	w.mu.Lock()
	r := w.renderer
	w.mu.Unlock()
	if r == nil {
		var err error
		if r, err = w.New(); err != nil {
			return run.Result{}, err
		}
		w.mu.Lock()
		w.renderer = r
		w.mu.Unlock()
	}
	return r.Run(ctx, run.Input{})
}

// Ask is for the server: it has a page of other values rendered. It waits for the first rendering.
func (w *Watch) Ask(ctx context.Context, page string) error {
	select {
	case <-w.shows():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.mu.Lock()
	r := w.renderer
	w.mu.Unlock()
	if r == nil {
		return fmt.Errorf("%s: %w", page, fs.ErrNotExist)
	}
	return r.Ask(ctx, page)
}

// others are the pages of other values that there are: somebody may look at one.
func (w *Watch) others() []string {
	pages, _ := filepath.Glob(filepath.Join(filepath.Dir(w.Page), "*.html")) // only a bad pattern is an error
	return slices.DeleteFunc(pages, func(path string) bool { return path == w.Page })
}

// clear deletes the pages of other values that still tell of mistakes: they are rendered when they are asked for.
func (w *Watch) clear() error {
	for _, path := range w.others() {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text[:min(len(text), 200)], []byte(mistakesMark)) {
			continue // the renderer may have replaced or deleted it meanwhile
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete an old page: %w", err)
		}
	}
	return nil
}
