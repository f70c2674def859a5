package simulate

import "slices"

// where finds the place to go on from the tails of a log.
type where struct {
	tails
	now, before *shop
	limit       int64  // the greatest id that an event can have by now
	state       string // what was found, for people
}

// begins is the state of a log without any event of ours.
const begins = "begins"

// find returns the newest ids in the log, and whether the shop of now was at work already. begin is the hour with which
// a new history would begin.
func (w *where) find(begin int64) (after [kinds][]int64, live bool) {
	after[sales], after[refunds] = make([]int64, len(w.sales)), make([]int64, len(w.refunds))
	owner, newest := w.verify(after[sales])
	switch {
	case newest > 0:
		w.state = "goes on"
		live = slices.Contains(owner, w.now)
		w.goOn(after, owner, newest, live)
	case w.newestOfAll() > 0:
		w.state = "goes on as a changed shop"
		newest = w.newestOfAll()
		after = raised(after, newest/idSecond*idSecond+idSecond-1)
	default:
		w.state = begins
	}
	if newest >= firstID(begin) {
		return after, live
	}
	if newest > 0 {
		w.state = "begins anew after a long break"
	}
	return raised(after, firstID(begin)-1), false
}

// verify puts into after the newest sale of each partition that one of the two shops sells, and returns which shop
// it was, and the newest sale of them all; 0 and nil are none.
func (w *where) verify(after []int64) (owner []*shop, newest int64) {
	const enough = 20 // sales in a row that neither shop sells
	check := checker{made: map[*shop]map[int64][]sale{w.now: {}, w.before: {}}}
	owner = make([]*shop, len(w.sales))
	for p, tail := range w.sales {
		tail = slices.SortedFunc(slices.Values(tail), func(a, b logged) int { return int(b.id - a.id) })
		for _, l := range tail[:min(len(tail), enough)] {
			if owner[p] = check.owner(l, w.now, w.before); owner[p] != nil {
				after[p] = l.id
				newest = max(newest, l.id)
				break
			}
		}
	}
	return owner, newest
}

// goOn completes the newest ids when the log is ours.
//
// Everything older than one chunk before the newest sale is in the log, whatever a single partition says: a chunk is
// written to all partitions before the next one. So a partition in which little happens need not be made again from its
// last event on.
func (w *where) goOn(after [kinds][]int64, owner []*shop, newest int64, live bool) {
	floor := firstID(secondOf(newest)/3600-max(w.now.chunkHours(), w.before.chunkHours())-1) - 1
	for p, shop := range owner {
		switch {
		case shop == nil: // nothing of ours: behind what another shop may have written before
			for _, l := range w.sales[p] {
				if l.id <= newest {
					after[sales][p] = max(after[sales][p], l.id)
				}
			}
		case live && shop != w.now: // the history is complete, and the shop of now began with a full hour
			after[sales][p] = firstID(secondOf(after[sales][p])/3600+1) - 1
		}
		after[sales][p] = max(after[sales][p], floor)
	}
	for p := range after[refunds] {
		for _, id := range w.refunds[p] {
			if id <= max(newest, w.limit) {
				after[refunds][p] = max(after[refunds][p], id)
			}
		}
		after[refunds][p] = max(after[refunds][p], floor)
	}
}

// newestOfAll is the newest id in the log that is not in the future; if all are, the newest.
func (w *where) newestOfAll() int64 {
	var past, future int64
	note := func(id int64) {
		if id <= w.limit {
			past = max(past, id)
		} else {
			future = max(future, id)
		}
	}
	for _, tail := range w.sales {
		for _, l := range tail {
			note(l.id)
		}
	}
	for _, tail := range w.refunds {
		for _, id := range tail {
			note(id)
		}
	}
	if past > 0 {
		return past
	}
	return future
}

// checker makes the hours that sales in the log are compared with, each once.
type checker struct {
	made map[*shop]map[int64][]sale
}

// owner is the first of the shops that sells exactly this, or nil.
func (c *checker) owner(l logged, shops ...*shop) *shop {
	hour := l.sale.at / hourMs
	for _, h := range shops {
		made, ok := c.made[h][hour]
		if !ok {
			made = h.sales(hour, h.crowd(hour/24), nil)
			c.made[h][hour] = made
		}
		i, ok := slices.BinarySearchFunc(made, l.id, func(s sale, id int64) int { return int(eventID(s.at, s.place) - id) })
		if !ok {
			continue
		}
		s := made[i]
		s.at = s.at / secondMs * secondMs // a message tells the second
		if s == l.sale {
			return h
		}
	}
	return nil
}
