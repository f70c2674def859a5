package notebook

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/frame"
)

// Data is everything a page shows: what Draw draws.
type Data struct {
	Report  *Report
	Values  Values            // of the parameters; those that are not there have their defaults
	AsOf    time.Time         // what :now was
	Built   time.Time         // when the page was built, as it says in its header
	Results map[string]Result // by sql cell; a cell without an entry was not loaded
	Timings bool              // tell how long queries took; off where two renderings must give the same bytes

	// Which pages of the report there are, by PageName, for links between them; nil: this one only.
	Has func(page string) bool
	// A page that is not there yet is made when a reader asks for it.
	Asked bool
}

// Result is what is known of an sql cell.
type Result struct {
	Frame   *frame.Frame  // the rows; nil when there never were any to show
	At      time.Time     // when Frame was read
	Took    time.Duration // by the query
	Err     *CellError    // why Frame is not current; nil when it is, or when the cell only waits for another
	Waiting string        // the cell above that failed, and that this one needs
	Since   time.Time     // of Err: when the cell began to fail
}

// stale tells whether the rows are the last good ones and no longer current.
func (r Result) stale() bool { return r.Frame != nil && (r.Err != nil || r.Waiting != "") }

// Book renders the pages of one report again and again. It remembers the last good result of each cell, serves cached
// ones, and lets a failing cell rest longer each time. Pages share the results of cells that do not depend on what they
// differ in. It is safe for concurrent use; renderings take turns.
type Book struct {
	Report  *Report
	Patient bool // cells get their whole timeout; else it is held below the refresh interval, so that runs never overlap

	mu    sync.Mutex
	round int                // grows with each snapshot
	cells map[string]*memory // by cell, and by the values of the parameters it depends on
}

// memory is what a Book knows of an sql cell.
type memory struct {
	result Result
	fails  int
	retry  time.Time // a failing cell is not run again before
	round  int       // the snapshot it was last looked at in
}

// NewBook begins with nothing known.
func NewBook(r *Report) *Book { return &Book{Report: r, cells: map[string]*memory{}} }

// cacheWorth is how many times as long as its query took a result may serve again. A cell with a cache so never costs more than
// that share of a processor, and a query that is cheap, as all are while the tables fill, is never served stale.
const cacheWorth = 300

// maxRest is the longest time a failing cell rests before it is tried again.
const maxRest = time.Minute

// Load is the page of the parameters' defaults, in a snapshot of its own; see Snapshot.
func (b *Book) Load(ctx context.Context, tx pgx.Tx, asOf, now time.Time) (*Data, error) {
	return b.Snapshot(tx, asOf, now).Page(ctx, nil)
}

// Snapshot renders pages of a report from one state of the database.
type Snapshot struct {
	book      *Book
	tx        pgx.Tx
	asOf, now time.Time
	round     int
}

// Snapshot begins a rendering. tx should be a read-only repeatable-read transaction (pg.ReadOnly), so that all cells of all
// pages see the same rows; cells use savepoints within it. asOf is bound as :now; now is the clock by which caches lapse.
func (b *Book) Snapshot(tx pgx.Tx, asOf, now time.Time) *Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.round++
	return &Snapshot{b, tx, asOf, now, b.round}
}

// Page runs the sql cells that are due, in the order of the file, and gives what the page of these values shows.
//
// A cell that fails is in the Data, not in the error. The error is a *ValueError when the report has no such page;
// any other means that the transaction itself was lost.
func (s *Snapshot) Page(ctx context.Context, v Values) (*Data, error) {
	r := s.book.Report
	d := s.data(r, r.without(v))
	for _, cells := range r.sources {
		if err := s.load(ctx, d, cells); err != nil {
			return nil, err
		}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, s.load(ctx, d, r.cells)
}

func (s *Snapshot) data(r *Report, v Values) *Data {
	return &Data{Report: r, Values: v, AsOf: s.asOf, Built: s.now, Results: map[string]Result{}}
}

// load runs cells.
func (s *Snapshot) load(ctx context.Context, d *Data, cells []*cell) error {
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range cells {
		if c.sql == nil {
			continue
		}
		key := c.memoryKey(d.Values)
		m := b.cells[key]
		if m == nil {
			m = &memory{}
			b.cells[key] = m
		}
		if m.round != s.round {
			if err := s.cell(ctx, c, m, d); err != nil {
				return err
			}
			m.round = s.round
		}
		d.Results[c.name] = m.result
	}
	return nil
}

// cell runs a cell when it is due.
func (s *Snapshot) cell(ctx context.Context, c *cell, m *memory, d *Data) error {
	r := &m.result
	fresh := r.Frame != nil && r.Err == nil && r.Waiting == ""
	if fresh && d.Built.Sub(r.At) < min(c.sql.cache, cacheWorth*r.Took) && !d.Built.Before(r.At) {
		return nil
	}
	if r.Err != nil && d.Built.Before(m.retry) {
		return nil
	}
	for _, p := range c.sql.places {
		if above := d.Results[p.cell]; p.cell != "" && (above.Frame == nil || above.stale()) {
			r.Waiting, r.Err, m.fails = p.cell, nil, 0
			return nil
		}
	}
	r.Waiting = ""
	refresh := s.book.Report.Refresh
	fail := func(e *CellError) {
		if r.Err == nil {
			r.Since = d.Built
		}
		r.Err = e
		m.retry = d.Built.Add(min(maxRest, refresh<<min(m.fails, 6)) - refresh/2)
		m.fails++
	}
	q, wrong := bind(c.body, c.sql.places, d.argument)
	if wrong != nil {
		fail(&CellError{File: c.doc.name, Cell: c.name, Line: c.line, Col: c.col, Msg: wrong.msg, Hint: wrong.hint})
		return nil
	}
	q.timeout = c.sql.timeout
	if !s.book.Patient {
		q.timeout = min(q.timeout, refresh*9/10)
	}
	start := time.Now()
	f, failed, err := s.book.Report.run(ctx, s.tx, c, q)
	if err != nil {
		return err
	}
	if failed != nil {
		fail(failed)
		return nil
	}
	*m = memory{result: Result{Frame: f, At: d.Built, Took: time.Since(start)}}
	return nil
}

// memoryKey tells the results of a cell apart by the parameters it depends on, itself or by the cells above it.
func (c *cell) memoryKey(v Values) string {
	key := c.name
	for _, p := range c.sql.needs {
		if value, ok := v[p]; ok {
			key += "\x00" + p + "=" + value
		}
	}
	return key
}

// Keep forgets the results of pages other than these.
func (b *Book) Keep(pages []Values) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := map[string]bool{}
	for _, c := range b.Report.cells {
		if c.sql == nil {
			continue
		}
		kept[c.name] = true
		for _, v := range pages {
			kept[c.memoryKey(v)] = true
		}
	}
	maps.DeleteFunc(b.cells, func(key string, _ *memory) bool { return !kept[key] })
}

// argument gives the value and type a place of a query is bound to.
func (d *Data) argument(p place) (argument, *complaint) {
	if p.cell != "" {
		f := d.Results[p.cell].Frame
		return cellArgument(f, p.cell, p.column, 0)
	}
	if p.param == "now" {
		return argument{"timestamp", d.AsOf.UTC()}, nil
	}
	if e := d.Report.each; e != nil && p.param == e.param {
		f := d.Results[e.in.cell].Frame
		return cellArgument(f, e.in.cell, e.in.value, d.Report.eachRow(f, d.Values[e.param]))
	}
	if q := d.Report.param(p.param); q != nil {
		a, err := q.argument(d.Values.value(q))
		if err != nil {
			return a, &complaint{"parameter " + q.Name + ": " + err.Error(), ""}
		}
		return a, nil
	}
	return argument{}, &complaint{"unknown parameter :" + p.param, ""} // Parse has told already
}

// cellArgument takes a row of a cell above; no row and null are null, of the column's type.
func cellArgument(f *frame.Frame, cell, column string, row int) (argument, *complaint) {
	col := columnOf(f, column)
	if col == nil {
		return argument{}, noColumn(namesOf(f), cell, column)
	}
	a := argument{pgType: map[frame.Kind]string{frame.Int: "bigint", frame.Float: "double precision", frame.Bool: "boolean",
		frame.Time: "timestamp", frame.String: "text"}[col.Kind]}
	if row < 0 || row >= col.Len() || col.IsNull(row) {
		return a, nil
	}
	switch col.Kind {
	case frame.Int:
		a.value = col.Ints[row]
	case frame.Float:
		a.value = col.Floats[row]
	case frame.Bool:
		a.value = col.Bools[row]
	case frame.Time:
		a.value = col.Times[row].UTC()
	default:
		a.value = col.Strings[row]
	}
	return a, nil
}

// locale gives what formats need.
func (d *Data) locale() locale {
	return locale{currency: d.Report.currency, location: d.Report.location, now: d.Built}
}

// Rows is how many rows the page stands on.
func (d *Data) Rows() int64 {
	var n int64
	for _, r := range d.Results {
		n += int64(r.Frame.Rows())
	}
	return n
}
