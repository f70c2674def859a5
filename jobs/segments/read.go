package segments

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
)

// purchases are what a run works on: one row a customer who bought something, ascending by id.
type purchases struct {
	ids       []string
	customers rfm.Customers
	rows      int64 // of the query's result
}

// read runs the query in a snapshot of its own.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, in run.Input) (purchases, error) {
	var ids, orderTexts []string
	var orders, times, amounts, frequency []int64
	line := dataset.Shape{"customer_id": pg.Strings(&ids), "ts": pg.Micros(&times), "amount": pg.Minor(&amounts, *j.with.Scale)}
	shapes := []dataset.Shape{line}
	if j.with.Frequency == string(rfm.Orders) {
		line["order_id"] = dataset.Either(pg.Int64s(&orders), pg.Strings(&orderTexts))
	} else {
		shapes = append(shapes, dataset.Shape{
			"customer_id": pg.Strings(&ids), "last_ts": pg.Micros(&times),
			"frequency": pg.Int64s(&frequency), "monetary": pg.Minor(&amounts, *j.with.Scale),
		})
	}
	shape := 0
	err := publish.Snapshot(ctx, conn, func(tx pgx.Tx) (err error) {
		shape, err = j.query.Read(ctx, tx.Conn(), []any{in.AsOf.UTC()}, shapes...)
		return err
	})
	if err != nil {
		return purchases{}, err
	}
	names, codes := dataset.Encode(ids)
	p := purchases{rows: int64(len(ids))}
	var all rfm.Customers
	if shape == 0 {
		if orderTexts != nil {
			_, numbers := dataset.Encode(orderTexts)
			for _, n := range numbers {
				orders = append(orders, int64(n))
			}
		}
		all, err = rfm.Aggregate(rfm.Lines{Customer: codes, Order: orders, Time: times, Amount: amounts}, len(names), rfm.Frequency(j.with.Frequency))
	} else {
		all, err = fromTotals(names, codes, times, frequency, amounts)
	}
	if err != nil {
		return purchases{}, err
	}
	var kept []int32
	p.customers, kept = all.Buyers()
	for _, i := range kept {
		p.ids = append(p.ids, names[i])
	}
	if len(p.customers.Last) > 0 {
		if last := slices.Max(p.customers.Last); last >= in.AsOf.UnixMicro() {
			return purchases{}, fmt.Errorf("%s gives a purchase at or after as_of: add \"where ts < $1\"", j.query.Origin)
		}
	}
	return p, nil
}

// fromTotals puts rows of one customer each in the order of their ids.
func fromTotals(names []string, codes []int32, last, frequency, monetary []int64) (rfm.Customers, error) {
	if len(names) != len(codes) {
		return rfm.Customers{}, fmt.Errorf("%d rows for %d customers: the query must give one row a customer", len(codes), len(names))
	}
	n := len(names)
	c := rfm.Customers{Last: make([]int64, n), Frequency: make([]int64, n), Monetary: make([]int64, n)}
	for i, at := range codes {
		c.Last[at], c.Frequency[at], c.Monetary[at] = last[i], frequency[i], monetary[i]
	}
	return c, nil
}
