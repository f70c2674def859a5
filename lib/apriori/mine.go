package apriori

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options of mining.
type Options struct {
	MinSupport  float64       // share of all baskets, above 0 and at most 1
	MaxLen      int           // items in a set; 0 = no limit
	MaxItemsets int           // sets to find at most; 0 = no limit. Beyond it, only shorter sets are kept and Stopped says so
	Budget      time.Duration // time for sets of three items and more; 0 = no limit. After it, see Mine
	Workers     int           // goroutines; 0 = one a processor. The result does not depend on it
}

func (o Options) check() error {
	switch {
	case !(o.MinSupport > 0 && o.MinSupport <= 1):
		return fmt.Errorf("min support is %v, it must be above 0 and at most 1", o.MinSupport)
	case o.MaxLen < 0 || o.MaxItemsets < 0:
		return fmt.Errorf("max len %d and max itemsets %d must not be negative", o.MaxLen, o.MaxItemsets)
	case o.Budget < 0:
		return fmt.Errorf("budget %v must not be negative", o.Budget)
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.MaxLen == 0 || o.MaxLen > math.MaxInt32 {
		o.MaxLen = math.MaxInt32
	}
	if o.MaxItemsets == 0 {
		o.MaxItemsets = math.MaxInt
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Mine finds all itemsets with at least the asked support. No baskets give no sets. It returns ctx's error when ctx ends
// first.
//
// When MaxItemsets is exceeded, sets are given up from the longest size down until the rest fits. When Budget is over,
// only the counting of pairs is finished, and after twice the budget not even that. Either way what is returned is
// complete for the sizes it has, and Stopped says what is missing and why. What MaxItemsets leaves does not depend on
// luck; what Budget leaves depends on the machine, so a result that must come out the same again should go without.
//
// Cost: the sum over the prefixes of baskets (in ranks, from the most frequent item on; baskets that share one count once)
// of their lengths, plus one AND over the first item's baskets a candidate. Memory: 2 bytes a frequent item in a basket and 8
// a prefix (4 and 12 above 65,534 frequent items), as much again as the former and 6 bytes a basket on the way there, and
// per worker a bit per basket of one item for each of its partners. Baskets that are few beside the frequent items are not
// asked for what they share: each counts by itself.
func Mine(ctx context.Context, b *Baskets, o Options) (*Itemsets, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	sets := &Itemsets{}
	if b.Len() > 0 {
		f := frequentItems(b, MinCount(o.MinSupport, b.Len()))
		var err error
		switch {
		case f.fewItems(len(b.item)):
			sets = f.mineByMask(b, o.MaxLen)
			sets.keep(o.MaxItemsets)
		case len(f.item) < math.MaxUint16:
			sets, err = mineByClass[uint16](ctx, b, f, o, began)
		default:
			sets, err = mineByClass[uint32](ctx, b, f, o, began)
		}
		if err != nil {
			return nil, err
		}
	}
	sets.maxLen = o.MaxLen
	return sets, nil
}

// mineByClass finds the sets, and when there are too many, the greatest length up to which they fit o.MaxItemsets, and
// those sets. It then goes up from single items: a run that was cut off for finding too many has not seen how long the
// sets get.
func mineByClass[R rank](ctx context.Context, b *Baskets, f *frequent, o Options, began time.Time) (*Itemsets, error) {
	r := rankedBaskets[R](b, f, o.Workers)
	sets, over, err := r.mine(ctx, o, began)
	if err != nil || !over {
		return sets, err
	}
	limit, fits := o.MaxItemsets, &Itemsets{Baskets: f.baskets}
	for o.MaxLen = 1; ; o.MaxLen++ {
		sets, over, err := r.mine(ctx, o, began)
		switch {
		case err != nil:
			return nil, err
		case over:
			fits.Stopped = tooMany(limit, o.MaxLen-1)
			return fits, nil
		case sets.Stopped != "" && len(fits.levels) >= len(sets.levels):
			fits.Stopped = outOfTime(o.Budget, o.MaxLen-1)
			return fits, nil
		case sets.Stopped != "":
			return sets, nil
		}
		fits = sets
	}
}

func tooMany(limit, size int) string {
	return fmt.Sprintf("more than %d itemsets: only sets of up to %d items are kept; raise min support for longer ones", limit, size)
}

func outOfTime(budget time.Duration, size int) string {
	return fmt.Sprintf("the time budget of %v was over: only sets of up to %d items are kept; raise min support or the budget for longer ones",
		budget, size)
}

// reach is how long the sets may get that are still looked for. It only ever falls: a budget lowers it, and 0 ends the
// work. What was found beyond it is incomplete and dropped.
type reach struct {
	items atomic.Int32
	total atomic.Int64 // sets found so far
	cut   atomic.Bool  // some work was left out for it
}

func (r *reach) lower(to int32) {
	for at := r.items.Load(); at > to && !r.items.CompareAndSwap(at, to); at = r.items.Load() {
	}
}

// lowerAfter lowers the reach once the time is over, at once when it is. The result stops the clock.
func (r *reach) lowerAfter(left time.Duration, to int32) (stop func() bool) {
	if left <= 0 {
		r.lower(to)
		return func() bool { return true }
	}
	return time.AfterFunc(left, func() { r.lower(to) }).Stop
}

// mine finds the sets of at most o.MaxLen items. It gives up, and says so, when there are more than o.MaxItemsets.
func (r *ranked[R]) mine(ctx context.Context, o Options, began time.Time) (sets *Itemsets, over bool, err error) {
	var limit reach
	limit.items.Store(int32(o.MaxLen))
	defer context.AfterFunc(ctx, func() { limit.lower(0) })()
	if o.Budget > 0 {
		left := o.Budget - time.Since(began)
		defer limit.lowerAfter(left, 2)()
		defer limit.lowerAfter(left+o.Budget, 1)()
	}
	var next atomic.Int64
	var group sync.WaitGroup
	all := make([]found, o.Workers)
	for i := range all {
		group.Go(func() {
			m := newMiner(r, &limit, o)
			// The most frequent items have the most baskets and the fewest partners after them. Starting with these, the
			// work that is handed out last is small.
			for first := len(r.item) - int(next.Add(1)); first >= 0 && limit.items.Load() > 0; first = len(r.item) - int(next.Add(1)) {
				m.first(R(first))
			}
			m.report()
			all[i] = m.found
		})
	}
	group.Wait()
	if limit.total.Load() > int64(o.MaxItemsets) {
		return nil, true, nil
	}
	if err := context.Cause(ctx); err != nil {
		return nil, false, err
	}
	if !limit.cut.Load() {
		return r.collect(all, o.Workers), false, nil
	}
	size := int(limit.items.Load())
	for i := range all {
		all[i].sizes = all[i].sizes[:min(size, len(all[i].sizes))]
	}
	sets = r.collect(all, o.Workers)
	sets.Stopped = outOfTime(o.Budget, size)
	return sets, false, nil
}
