package basket

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/apriori"
	"tillflow/lib/dataset"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
)

// baskets are what a run works on; item i is items[i], and items are in ascending order.
type baskets struct {
	baskets *apriori.Baskets
	items   []string
	rows    int64 // of the query's result

	why string // all rows were read, although there is a rollup; or nothing
}

// read runs the query in a snapshot of its own.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, in run.Input) (baskets, error) {
	var owners, items []string
	var numbers, times []int64
	shape, why := 0, ""
	err := publish.Snapshot(ctx, conn, func(tx pgx.Tx) (err error) {
		var query dataset.Query
		if query, why, err = j.source(ctx, tx, in.AsOf); err != nil {
			return err
		}
		shape, err = query.Read(ctx, tx.Conn(), []any{in.AsOf.UTC()},
			dataset.Shape{"basket": dataset.Either(pg.Int64s(&numbers), pg.Strings(&owners)), "item": pg.Strings(&items)},
			dataset.Shape{"customer_id": pg.Strings(&owners), "ts": pg.Micros(&times), "item": pg.Strings(&items)})
		return err
	})
	if err != nil {
		return baskets{}, err
	}
	b := baskets{rows: int64(len(items)), why: why}
	names, codes := dataset.Encode(items)
	b.items = names
	var of []int32 // the basket of each row
	var n int
	switch {
	case shape == 1:
		_, customers := dataset.Encode(owners)
		of, n = visits(customers, times, j.with.Gap)
	case numbers != nil:
		var distinct []int64
		distinct, of = dataset.Encode(numbers)
		n = len(distinct)
	default:
		var distinct []string
		distinct, of = dataset.Encode(owners)
		n = len(distinct)
	}
	b.baskets, err = apriori.FromPairs(of, codes, n, len(names))
	return b, err
}

// visits numbers the visits of customers and says to which each purchase belongs. A visit goes on while less than gap
// passes between one purchase of the customer and the next. times are microseconds since the epoch.
//
// Tables hold sales in about the order they happened, so a counting sort by customer leaves each one's in order already
// and the sort by time is rarely needed.
func visits(customers []int32, times []int64, gap time.Duration) (of []int32, n int) {
	var ends []int32
	for _, c := range customers {
		for int(c) >= len(ends) {
			ends = append(ends, 0)
		}
		ends[c]++
	}
	next := make([]int32, len(ends)) // where the customer's next purchase goes
	for c := 1; c < len(ends); c++ {
		ends[c] += ends[c-1]
		next[c] = ends[c-1]
	}
	order := make([]int32, len(customers))
	for i, c := range customers {
		order[next[c]] = int32(i)
		next[c]++
	}
	byTime := func(a, b int32) int { return cmp.Compare(times[a], times[b]) }
	of = make([]int32, len(customers))
	start := int32(0)
	for _, end := range ends {
		one := order[start:end]
		if !slices.IsSortedFunc(one, byTime) {
			slices.SortFunc(one, byTime)
		}
		for i, at := range one {
			if i == 0 || times[at]-times[one[i-1]] >= gap.Microseconds() {
				n++
			}
			of[at] = int32(n - 1)
		}
		start = end
	}
	return of, n
}
