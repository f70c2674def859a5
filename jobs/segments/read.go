package segments

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/dataset"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
)

// purchases are what a run works on: one row a customer who bought something, ascending by id.
type purchases struct {
	ids       []string // as the table has them
	customers rfm.Customers
	rows      int64 // of the query's result

	why string // all rows were read, although there is a rollup; or nothing
}

// result is what the query gave, in columns: lines of purchases, or one row a customer with the totals.
type result struct {
	names                    []string // customers that are text
	customers                []int64  // customers that are numbers
	orders                   []int64
	orderNames               []string
	times, amounts, purchase []int64
	totals                   bool
}

// read runs the query in a snapshot of its own, for what was bought before a time.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, before time.Time) (purchases, error) {
	var r result
	customer := dataset.Either(pg.Int64s(&r.customers), pg.Strings(&r.names))
	amount := pg.Minor(&r.amounts, *j.with.Scale)
	shapes := []dataset.Shape{{
		"customer_id": customer, "ts": pg.Micros(&r.times), "amount": amount,
		"order_id": dataset.Either(pg.Int64s(&r.orders), pg.Strings(&r.orderNames)),
	}}
	if j.with.Frequency == string(rfm.Rows) {
		shapes = append(shapes,
			dataset.Shape{"customer_id": customer, "ts": pg.Micros(&r.times), "amount": amount},
			dataset.Shape{"customer_id": customer, "last_ts": pg.Micros(&r.times), "frequency": pg.Int64s(&r.purchase), "monetary": amount})
	}
	var query dataset.Query
	var why string
	err := publish.Snapshot(ctx, conn, func(tx pgx.Tx) (err error) {
		if query, why, err = j.source(ctx, tx, before); err != nil {
			return err
		}
		shape, err := query.Read(ctx, tx.Conn(), []any{before.UTC()}, shapes...)
		r.totals = shape == 2
		return err
	})
	if err != nil {
		return purchases{}, err
	}
	p, err := j.add(r)
	if err != nil {
		return purchases{}, err
	}
	p.why = why
	if p.customers.Len() > 0 && slices.Max(p.customers.Last) >= before.UnixMicro() {
		return purchases{}, fmt.Errorf("%s gives a purchase at or after as_of: add \"where ts < $1\"", query.Origin)
	}
	return p, nil
}

// add adds the result up per customer.
func (j *Job) add(r result) (purchases, error) {
	p := purchases{rows: int64(len(r.times))}
	var distinct []string
	if r.names != nil {
		var codes []int32
		distinct, codes = dataset.Encode(r.names)
		r.customers = widen(codes)
	}
	if r.orderNames != nil {
		_, codes := dataset.Encode(r.orderNames)
		r.orders = widen(codes)
	}
	var err error
	if r.totals {
		p.customers, err = fromTotals(r)
	} else {
		p.customers, err = rfm.Aggregate(rfm.Lines{Customer: r.customers, Order: r.orders, Time: r.times, Amount: r.amounts}, j.options())
	}
	if err != nil {
		return purchases{}, err
	}
	p.ids = make([]string, p.customers.Len())
	for i, id := range p.customers.ID {
		if distinct != nil {
			p.ids[i] = distinct[id]
		} else {
			p.ids[i] = strconv.FormatInt(id, 10)
		}
	}
	return p, nil
}

func widen(codes []int32) []int64 {
	out := make([]int64, len(codes))
	for i, c := range codes {
		out[i] = int64(c)
	}
	return out
}

// fromTotals puts rows of one customer each in the order of their ids, and leaves out who bought nothing.
func fromTotals(r result) (rfm.Customers, error) {
	order := make([]int, 0, len(r.customers))
	for i := range r.customers {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(r.customers[a], r.customers[b]) })
	var c rfm.Customers
	for k, i := range order {
		if k > 0 && r.customers[order[k-1]] == r.customers[i] {
			return rfm.Customers{}, fmt.Errorf("%d rows for fewer customers: the query must give one row a customer", len(order))
		}
		if r.purchase[i] < 1 {
			continue
		}
		c.ID, c.Last = append(c.ID, r.customers[i]), append(c.Last, r.times[i])
		c.Frequency, c.Monetary = append(c.Frequency, r.purchase[i]), append(c.Monetary, r.amounts[i])
	}
	return c, nil
}
