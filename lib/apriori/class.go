package apriori

import (
	"math/bits"
	"sync/atomic"
)

// miner is one worker: it finds the sets that begin with one first item (in rank order) after another.
type miner struct {
	*frequent
	found
	maxLen  int
	maxSets int64
	total   *atomic.Int64 // sets found by all workers

	partner []int64 // by rank: baskets shared with the first item
	prefix  []int32 // items of the class at hand
}

// member is one set of a class: the class's prefix and one more item, and the first item's baskets that hold all.
type member struct {
	rank  int32
	count int64
	holds []uint64 // a bit per basket of the first item
}

func (m *miner) keep(last int32, count int64) {
	m.add(m.prefix, last, count)
	m.total.Add(1)
}

// first finds all sets whose lowest rank is the given one.
func (m *miner) first(rank int32) {
	m.prefix = m.prefix[:0]
	m.keep(m.item[rank], m.count[rank])
	if m.maxLen < 2 {
		return
	}
	at := m.vertical[rank]
	partner := m.partner
	clear(partner[rank:])
	for _, p := range at {
		for q := p + 1; m.flat[q] != end; q++ {
			partner[m.flat[q]]++
		}
	}
	var members []member
	for r := rank + 1; int(r) < len(partner); r++ {
		if partner[r] >= m.minCount {
			members = append(members, member{rank: r, count: partner[r]})
		}
	}
	m.prefix = append(m.prefix, m.item[rank])
	if m.maxLen == 2 || len(members) < 2 {
		for _, pair := range members {
			m.keep(m.item[pair.rank], pair.count)
		}
		return
	}
	m.project(at, members)
	m.class(members)
}

// project fills the members' bitmaps from the baskets of the first item, which stand at these places of flat.
func (m *miner) project(at []int, members []member) {
	words := (len(at) + 63) / 64
	all := make([]uint64, words*len(members))
	slot := m.partner // counts are in the members now; the same memory says where an item's bitmap begins, or -1
	for r := range slot {
		slot[r] = -1
	}
	for i := range members {
		members[i].holds = all[i*words : (i+1)*words]
		slot[members[i].rank] = int64(i * words)
	}
	for i, p := range at {
		word, bit := int64(i/64), uint64(1)<<(i%64)
		for q := p + 1; m.flat[q] != end; q++ {
			if s := slot[m.flat[q]]; s >= 0 {
				all[s+word] |= bit
			}
		}
	}
}

// class keeps its members and joins each with the later ones into the next size, as Apriori joins sets that share all
// but their last item. A joined set is counted at once, so the subsets Apriori would look up first need no look-up.
func (m *miner) class(members []member) {
	for i := range members {
		a := &members[i]
		m.keep(m.item[a.rank], a.count)
		if len(m.prefix)+2 > m.maxLen || i == len(members)-1 || m.total.Load() > m.maxSets {
			continue
		}
		var joined []member
		buffer := make([]uint64, len(a.holds))
		for _, b := range members[i+1:] {
			count := intersect(buffer, a.holds, b.holds)
			if count >= m.minCount {
				joined = append(joined, member{b.rank, count, buffer})
				buffer = make([]uint64, len(a.holds))
			}
		}
		if len(joined) > 0 {
			m.prefix = append(m.prefix, m.item[a.rank])
			m.class(joined)
			m.prefix = m.prefix[:len(m.prefix)-1]
		}
	}
}

// intersect writes a AND b to into and counts its bits.
func intersect(into, a, b []uint64) int64 {
	n := 0
	a, b = a[:len(into)], b[:len(into)]
	for i := range into {
		into[i] = a[i] & b[i]
		n += bits.OnesCount64(into[i])
	}
	return int64(n)
}
