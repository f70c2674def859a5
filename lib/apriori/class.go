package apriori

import (
	"cmp"
	"math/bits"
	"slices"
)

// miner is one worker: it finds the sets that begin with one first item (in rank order) after another.
type miner[R rank] struct {
	*ranked[R]
	found
	limit   *reach
	maxLen  int
	maxSets int64
	fresh   int64 // sets found since the last report

	partner []uint32 // by rank: baskets shared with the first item
	row     []int    // by rank: where the member's bitmap begins; 0 = no member
	prefix  []int32  // ranks of the class at hand
	depth   [][]member
	memory  arena
}

// member is one set of a class: the class's prefix and one more item, and the first item's baskets that hold all.
type member struct {
	rank  int32
	count uint32
	holds []uint64 // a bit per basket of the first item
}

func newMiner[R rank](r *ranked[R], limit *reach, o Options) *miner[R] {
	return &miner[R]{
		ranked: r, limit: limit, maxLen: o.MaxLen, maxSets: int64(o.MaxItemsets),
		partner: make([]uint32, len(r.item)), row: make([]int, len(r.item)),
	}
}

// reportSets is after how many found sets a worker looks at what all have found.
const reportSets = 256

func (m *miner[R]) keep(last int32, count uint32) {
	m.add(m.prefix, last, count)
	if m.fresh++; m.fresh == reportSets {
		m.report()
	}
}

func (m *miner[R]) report() {
	if m.limit.total.Add(m.fresh) > m.maxSets {
		m.limit.lower(0)
	}
	m.fresh = 0
}

// allowed tells whether sets of so many items are still looked for.
func (m *miner[R]) allowed(size int) bool {
	if size > m.maxLen {
		return false
	}
	if size > int(m.limit.items.Load()) {
		m.limit.cut.Store(true)
		return false
	}
	return true
}

// first finds all sets whose lowest rank is the given one.
func (m *miner[R]) first(rank R) {
	m.prefix = m.prefix[:0]
	m.keep(int32(rank), uint32(m.count[rank]))
	if !m.allowed(2) || !m.pairs(rank) {
		return
	}
	members := m.level(1)
	for r := int(rank) + 1; r < len(m.partner); r++ {
		if int64(m.partner[r]) >= m.minCount {
			members = append(members, member{rank: int32(r), count: m.partner[r]})
		}
	}
	m.depth[1] = members
	m.prefix = append(m.prefix, int32(rank))
	if len(members) < 2 || !m.allowed(3) {
		for _, pair := range members {
			m.keep(pair.rank, pair.count)
		}
		return
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(a.rank, b.rank)) })
	m.memory.reset()
	m.project(rank, members)
	m.class(members)
}

// pairs counts the baskets each later rank shares with this one. It tells whether it came to the end.
func (m *miner[R]) pairs(rank R) bool {
	partner, flat := m.partner, m.flat
	clear(partner[rank:])
	for i := range m.chunks {
		for _, n := range m.chunks[i].of(rank) {
			baskets := uint32(n.baskets)
			for _, r := range flat[n.end-uint32(n.before) : n.end] {
				partner[r] += baskets
			}
		}
		if !m.allowed(2) {
			return false
		}
	}
	return true
}

// project fills the members' bitmaps from the baskets of the first item. A node's baskets are as many bits in a row.
func (m *miner[R]) project(rank R, members []member) {
	words := (int(m.count[rank]) + 63) / 64
	all := m.memory.take(words * (len(members) + 1)) // the first one is of all that are no members
	clear(all)
	row, flat := m.row, m.flat
	for i := range members {
		at := (i + 1) * words
		members[i].holds = all[at : at+words]
		row[members[i].rank] = at
	}
	bit := 0
	for i := range m.chunks {
		for _, n := range m.chunks[i].of(rank) {
			before := flat[n.end-uint32(n.before) : n.end]
			for left := int(n.baskets); left > 0; {
				some := min(left, 64-bit%64)
				mask := ^uint64(0) >> (64 - some) << (bit % 64)
				word := all[bit/64:]
				for _, r := range before {
					word[row[r]] |= mask
				}
				bit, left = bit+some, left-some
			}
		}
	}
	for i := range members {
		row[members[i].rank] = 0
	}
}

// level is an empty list for the members of a class at a depth, in memory used before.
func (m *miner[R]) level(depth int) []member {
	for len(m.depth) <= depth {
		m.depth = append(m.depth, nil)
	}
	return m.depth[depth][:0]
}

// class keeps its members and joins each with the later ones into the next size, as Apriori joins sets that share all
// but their last item. A joined set is counted at once, so the subsets Apriori would look up first need no look-up.
func (m *miner[R]) class(members []member) {
	size := len(m.prefix) + 2
	for i := range members {
		a := &members[i]
		m.keep(a.rank, a.count)
		if i == len(members)-1 || !m.allowed(size) {
			continue
		}
		mark := m.memory.mark()
		joined := m.level(size - 1)
		m.prefix = append(m.prefix, a.rank)
		if size == m.maxLen { // no longer sets are looked for, so these need no bitmaps
			for _, b := range members[i+1:] {
				if count := common(a.holds, b.holds); int64(count) >= m.minCount {
					m.keep(b.rank, count)
				}
			}
		} else {
			buffer := m.memory.take(len(a.holds))
			for _, b := range members[i+1:] {
				if count := intersect(buffer, a.holds, b.holds); int64(count) >= m.minCount {
					joined = append(joined, member{b.rank, count, buffer})
					buffer = m.memory.take(len(a.holds))
				}
			}
			m.depth[size-1] = joined
			m.class(joined)
		}
		m.prefix = m.prefix[:len(m.prefix)-1]
		m.memory.release(mark)
	}
}

// intersect writes a AND b to into and counts its bits.
func intersect(into, a, b []uint64) uint32 {
	n := 0
	a, b = a[:len(into)], b[:len(into)]
	for i := range into {
		x := a[i] & b[i]
		into[i] = x
		n += bits.OnesCount64(x)
	}
	return uint32(n)
}

// common counts the bits of a AND b.
func common(a, b []uint64) uint32 {
	n := 0
	b = b[:len(a)]
	for i, x := range a {
		n += bits.OnesCount64(x & b[i])
	}
	return uint32(n)
}
