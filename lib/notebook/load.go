package notebook

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/lib/frame"
)

// Data is everything a page shows: what Draw draws.
type Data struct {
	Report  *Report
	AsOf    time.Time         // what :now was
	Built   time.Time         // when the page was built, as it says in its header
	Results map[string]Result // by sql cell; a cell without an entry was not loaded
	Timings bool              // tell how long queries took; off where two renderings must give the same bytes
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

// Book renders one report again and again. It remembers the last good result of each cell, serves cached ones, and
// lets a failing cell rest longer each time. It is safe for concurrent use; renderings take turns.
type Book struct {
	Report *Report

	mu    sync.Mutex
	cells map[string]*memory
}

// memory is what a Book knows of an sql cell.
type memory struct {
	result Result
	fails  int
	retry  time.Time // a failing cell is not run again before
}

// NewBook begins with nothing known.
func NewBook(r *Report) *Book { return &Book{Report: r, cells: map[string]*memory{}} }

// cacheWorth is how many times as long as its query took a result may serve again. A cell with a cache so never costs more than
// that share of a processor, and a query that is cheap, as all are while the tables fill, is never served stale.
const cacheWorth = 300

// maxRest is the longest time a failing cell rests before it is tried again.
const maxRest = time.Minute

// Load runs the sql cells of the report that are due, in the order of the file, and gives what the page shows. tx should
// be a read-only repeatable-read transaction (pg.ReadOnly), so that all cells see one snapshot; Load uses savepoints
// within it. asOf is bound as :now; now is the clock by which caches lapse.
//
// A cell that fails is in the Data, not in the error; the error means that the transaction itself was lost.
func (b *Book) Load(ctx context.Context, tx pgx.Tx, asOf, now time.Time) (*Data, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := &Data{Report: b.Report, AsOf: asOf, Built: now, Results: map[string]Result{}}
	for _, c := range b.Report.cells {
		if c.sql == nil {
			continue
		}
		m := b.cells[c.name]
		if m == nil {
			m = &memory{}
			b.cells[c.name] = m
		}
		if err := b.loadCell(ctx, tx, c, m, d); err != nil {
			return nil, err
		}
		d.Results[c.name] = m.result
	}
	return d, nil
}

func (b *Book) loadCell(ctx context.Context, tx pgx.Tx, c *cell, m *memory, d *Data) error {
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
	fail := func(e *CellError) {
		if r.Err == nil {
			r.Since = d.Built
		}
		r.Err = e
		m.retry = d.Built.Add(min(maxRest, b.Report.Refresh<<min(m.fails, 6)) - b.Report.Refresh/2)
		m.fails++
	}
	q, wrong := bind(c.body, c.sql.places, d.argument)
	if wrong != nil {
		fail(&CellError{File: b.Report.File, Cell: c.name, Line: c.line, Col: c.col, Msg: wrong.msg, Hint: wrong.hint})
		return nil
	}
	start := time.Now()
	f, failed, err := b.Report.run(ctx, tx, c, q)
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

// argument gives the value and type a place of a query is bound to.
func (d *Data) argument(p place) (argument, *complaint) {
	if p.cell != "" {
		return d.cellArgument(p)
	}
	if p.param == "now" {
		return argument{"timestamp", d.AsOf.UTC()}, nil
	}
	for _, q := range d.Report.params {
		if q.Name != p.param {
			continue
		}
		if v, ok := q.Value.(time.Duration); ok {
			return argument{q.Type, pgtype.Interval{Microseconds: v.Microseconds(), Valid: true}}, nil
		}
		return argument{q.Type, q.Value}, nil
	}
	return argument{}, &complaint{"unknown parameter :" + p.param, ""} // Parse has told already
}

// cellArgument takes the first row of a cell above; no row and null are null, of the column's type.
func (d *Data) cellArgument(p place) (argument, *complaint) {
	f := d.Results[p.cell].Frame
	col := f.Column(p.column)
	if col == nil {
		return argument{}, noColumn(f.Names(), p.cell, p.column)
	}
	a := argument{pgType: map[frame.Kind]string{frame.Int: "bigint", frame.Float: "double precision", frame.Bool: "boolean",
		frame.Time: "timestamp", frame.String: "text"}[col.Kind]}
	if col.Len() == 0 || col.IsNull(0) {
		return a, nil
	}
	switch col.Kind {
	case frame.Int:
		a.value = col.Ints[0]
	case frame.Float:
		a.value = col.Floats[0]
	case frame.Bool:
		a.value = col.Bools[0]
	case frame.Time:
		a.value = col.Times[0].UTC()
	default:
		a.value = col.Strings[0]
	}
	return a, nil
}

// locale gives what formats need.
func (d *Data) locale() locale {
	return locale{currency: d.Report.currency, location: d.Report.location, now: d.AsOf}
}

// Rows is how many rows the page stands on.
func (d *Data) Rows() int64 {
	var n int64
	for _, r := range d.Results {
		n += int64(r.Frame.Rows())
	}
	return n
}
