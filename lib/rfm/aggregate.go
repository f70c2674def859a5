package rfm

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// Aggregate adds lines up per customer. Customers without a purchase are left out. The result does not depend on the order
// of the lines or the number of workers. An error says which columns differ in length, or whose amounts do not fit an int64.
//
// Cost: O(n); for each line, or for each run of neighbouring lines of one order, 32 bytes beside the input.
func Aggregate(l Lines, o Options) (Customers, error) {
	if o.Frequency != Orders && o.Frequency != Rows && o.Frequency != "" {
		return Customers{}, fmt.Errorf("frequency is %q, it must be %s or %s", o.Frequency, Rows, Orders)
	}
	if err := l.check(o.Frequency); err != nil {
		return Customers{}, err
	}
	if err := l.checkSums(o.Net); err != nil {
		return Customers{}, err
	}
	w := o.workers(l.Len())
	dealt := make([]deal, w)
	parallel(w, func(i int) { dealt[i] = scatter(l, l.Len()*i/w, l.Len()*(i+1)/w, o) })
	found := make([][]customer, w)
	parallel(w, func(i int) {
		var t tables
		for p := i; p < parts; p += w {
			t.part(dealt, p, o.Frequency == Orders)
		}
		found[i] = t.rows
	})
	rows := found[0]
	if w > 1 {
		rows = slices.Concat(found...)
	}
	return columns(byID(rows)), nil
}

// workers is how many goroutines are worth it for n lines.
func (o Options) workers(n int) int {
	w := o.Workers
	if w < 1 {
		w = runtime.GOMAXPROCS(0)
	}
	return max(1, min(w, n/10_000))
}

// parallel calls f(0) to f(n-1) at the same time and waits for all.
func parallel(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var g sync.WaitGroup
	for i := range n {
		g.Go(func() { f(i) })
	}
	g.Wait()
}

// parts is how many parts lines are dealt into: enough that a part of 10 million lines, some 20,000, is grouped in cache,
// few enough that the ends of all parts being written are in cache too.
const (
	partBits = 9
	parts    = 1 << partBits
)

func hash(x int64) uint64 {
	h := uint64(x) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

func partOf(customer int64) int { return int(hash(customer) >> (64 - partBits)) }

// piece is one line, or neighbouring lines of one order (to count rows: of one customer) as one.
type piece struct {
	customer int64
	order    int64 // the order; to count rows, the number of purchases
	last     int64 // time of the last purchase; noTime when all of it is money given back
	cents    int64
}

const noTime = math.MinInt64

// deal are the pieces of some lines by part: those of part p are pieces[from[p]:from[p+1]].
type deal struct {
	pieces []piece
	from   [parts + 1]int
}

// scatter deals lines [from, to) into parts, reading them twice: to know how large each part is, and to write it.
func scatter(l Lines, from, to int, o Options) deal {
	var d deal
	each(l, from, to, o, func(p piece) { d.from[partOf(p.customer)+1]++ })
	for p := range parts {
		d.from[p+1] += d.from[p]
	}
	d.pieces = make([]piece, d.from[parts])
	next := d.from
	each(l, from, to, o, func(p piece) {
		at := partOf(p.customer)
		d.pieces[next[at]] = p
		next[at]++
	})
	return d
}

// each calls f with the pieces of lines [from, to).
func each(l Lines, from, to int, o Options, f func(piece)) {
	who, when, amount := l.Customer[:to], l.Time[:to], l.Amount[:to]
	count := o.Frequency != Orders
	order := who // any column: it is not looked at
	if !count {
		order = l.Order[:to]
	}
	for i := from; i < to; {
		if amount[i] < 0 && !o.Net {
			i++
			continue
		}
		p := piece{customer: who[i], order: order[i], last: noTime}
		if count {
			p.order = 0
		}
		for ; i < to && who[i] == p.customer && (count || order[i] == p.order); i++ {
			switch {
			case amount[i] >= 0:
				p.last = max(p.last, when[i])
				p.cents += amount[i]
				if count {
					p.order++
				}
			case o.Net:
				p.cents += amount[i]
			}
		}
		f(p)
	}
}

// tables group the pieces of one part after the other. Both are open addressing with linear probing.
type tables struct {
	rows   []customer
	slots  []int32 // of a customer: his row in this part + 1
	orders []order
	round  int32 // tells the entries of this part from older ones, so that orders need not be emptied
}

// order is a distinct pair of customer and order.
type order struct {
	order int64
	row   int32
	round int32
}

// part groups part p of all deals.
func (t *tables) part(dealt []deal, p int, distinct bool) {
	n := 0
	for i := range dealt {
		n += dealt[i].from[p+1] - dealt[i].from[p]
	}
	if n == 0 {
		return
	}
	size := 1 << bits.Len(uint(n+n/2))
	if len(t.slots) < size {
		t.slots = make([]int32, size)
		if distinct {
			t.orders = make([]order, size)
		}
	}
	clear(t.slots[:size])
	t.round++
	first := len(t.rows)
	for i := range dealt {
		d := &dealt[i]
		t.group(d.pieces[d.from[p]:d.from[p+1]], first, uint64(size-1), distinct)
	}
}

func (t *tables) group(pieces []piece, first int, mask uint64, distinct bool) {
	slots, rows := t.slots[:mask+1], t.rows
	for i := range pieces {
		p := &pieces[i]
		at := hash(p.customer) & mask
		var row int32
		for {
			row = slots[at]
			if row == 0 {
				rows = append(rows, customer{id: p.customer, last: noTime})
				row = int32(len(rows) - first)
				slots[at] = row
				break
			}
			if rows[first+int(row)-1].id == p.customer {
				break
			}
			at = (at + 1) & mask
		}
		c := &rows[first+int(row)-1]
		c.last = max(c.last, p.last)
		c.cents += p.cents
		switch {
		case !distinct:
			c.frequency += p.order
		case p.last != noTime && t.isNew(p, row, mask):
			c.frequency++
		}
	}
	t.rows = rows
}

// isNew tells whether the order of a piece is the customer's first piece of it, and remembers it.
func (t *tables) isNew(p *piece, row int32, mask uint64) bool {
	orders := t.orders[:mask+1]
	at := hash(p.order^p.customer<<20) >> 7 & mask
	for {
		o := &orders[at]
		if o.round != t.round {
			*o = order{p.order, row, t.round}
			return true
		}
		if o.order == p.order && o.row == row {
			return false
		}
		at = (at + 1) & mask
	}
}
