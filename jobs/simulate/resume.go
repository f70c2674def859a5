package simulate

import (
	"context"
	"slices"
	"time"

	"tillflow/lib/kafkasrc"
)

// leg is a part of the way from where the log ends to now and on: what one shop writes from one hour to another.
type leg struct {
	shop    *shop
	first   int64          // hour with which it begins
	until   int64          // hour before which it ends; 0 is never
	after   [kinds][]int64 // by partition: the newest id in the log; only what comes after it is written
	returns *returns       // refunds to come; legs share them
	begins  bool           // there was no log before
}

// logged is one of our sales in the log.
type logged struct {
	sale sale
	id   int64
}

// tails are the newest events of ours in each partition of both topics.
type tails struct {
	sales   [][]logged // by partition, in the order of the log
	refunds [][]int64
}

// tailLength is how many messages at the end of a partition are looked at. The newest of ours is nearly always the last
// one; others may write to the topic too.
const tailLength = 1000

// legs finds out where to go on. There are three cases.
//
// The log's newest sales are what the shop of now (or of the history) sells at that time: then every partition goes on
// behind its own newest event, and what is written is what one run without any end would have written.
//
// They are something else: the settings or the catalogue were changed. Then every partition goes on behind the newest
// event of all, so that no id is used twice.
//
// There are none, or the newest is older than the history is long: a history begins.
//
// Refunds never depend on the case: they are those of the sales that stand in the log.
func (j *Job) legs(ctx context.Context, client *kafkasrc.Client, out *outlet, products []product, stores []store) ([]leg, error) {
	now, before, err := j.shops(products, stores)
	if err != nil {
		return nil, err
	}
	clock := j.deps.Now()
	current, begin := hourOf(clock), max(hourOf(clock.Add(-*j.with.History)), idEpoch/3600+1)
	parts, err := partsOf(ctx, client, out)
	if err != nil {
		return nil, err
	}
	t, err := readTails(ctx, parts, newReader(now))
	if err != nil {
		return nil, err
	}
	w := where{tails: t, now: now, before: before, limit: eventID(clock.UnixMilli(), 0) + idSecond - 1}
	after, live := w.find(begin)
	first := max(begin, secondOf(slices.Min(slices.Concat(after[:]...))+1)/3600)
	due := &returns{shop: now, due: map[int64][]refund{}}
	if err := due.recall(ctx, parts[sales], newReader(now), first-maxDelay-1); err != nil {
		return nil, err
	}
	j.deps.Log.InfoContext(ctx, "simulation begins", "job", j.name, "from", time.Unix(first*3600, 0).UTC(), "state", w.state)
	on := leg{shop: now, first: first, after: after, returns: due, begins: w.state == begins}
	if now == before || live || first >= current {
		return []leg{on}, nil
	}
	history := on
	history.shop, history.until = before, current
	on.first, on.after = current, raised(after, firstID(current)-1)
	return []leg{history, on}, nil
}

func partsOf(ctx context.Context, client *kafkasrc.Client, out *outlet) (parts [kinds][]part, err error) {
	for kind, topic := range out.topics {
		ranges, err := client.Offsets(ctx, topic)
		if err != nil {
			return parts, err
		}
		for p := range out.batches[kind] {
			parts[kind] = append(parts[kind], part{client, topic, p, ranges[p]})
		}
	}
	return parts, nil
}

func readTails(ctx context.Context, parts [kinds][]part, r *reader) (tails, error) {
	t := tails{sales: make([][]logged, len(parts[sales])), refunds: make([][]int64, len(parts[refunds]))}
	for i, p := range parts[sales] {
		list := &t.sales[i]
		err := p.newest(func(from int64) (newest int64, err error) {
			*list = (*list)[:0]
			err = p.read(ctx, from, func(value []byte) bool {
				if s, id, ok := r.sale(value); ok {
					*list = append(*list, logged{s, id})
					newest = max(newest, id)
				}
				return false
			})
			return newest, err
		})
		if err != nil {
			return t, err
		}
	}
	for i, p := range parts[refunds] {
		list := &t.refunds[i]
		err := p.newest(func(from int64) (newest int64, err error) {
			*list = (*list)[:0]
			err = p.read(ctx, from, func(value []byte) bool {
				if id, ok := r.refund(value); ok {
					*list = append(*list, id)
					newest = max(newest, id)
				}
				return false
			})
			return newest, err
		})
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// recall takes notice of the sales in the log from an hour on.
func (r *returns) recall(ctx context.Context, parts []part, reader *reader, hour int64) error {
	least := firstID(hour)
	guess := int64(4*tailLength + r.shop.rate*maxDelay*3600*1.5/float64(len(parts)))
	for _, p := range parts {
		from, err := p.since(ctx, least, guess, func(value []byte) (int64, bool) {
			_, id, ok := reader.sale(value)
			return id, ok
		})
		if err != nil {
			return err
		}
		newest := least - 1
		err = p.read(ctx, from, func(value []byte) bool {
			if s, id, ok := reader.sale(value); ok && id > newest { // a message that someone wrote again has no second refund
				newest = id
				r.sold(&s, id)
			}
			return false
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// raised lifts all ids to at least the given one.
func raised(after [kinds][]int64, least int64) [kinds][]int64 {
	var out [kinds][]int64
	for kind := range after {
		for _, id := range after[kind] {
			out[kind] = append(out[kind], max(id, least))
		}
	}
	return out
}
