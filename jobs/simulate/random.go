package simulate

import "math"

// random is a stream of numbers that its seed decides (splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom
// number generators", OOPSLA 2014). Everything the shop does draws from streams seeded by what it is about, such as a
// seed and an hour, so any hour can be made again alone, in any order. A stream is a word of state and costs about a
// nanosecond a number, where math/rand's generators would cost more to seed than an hour of a small shop to make.
type random struct{ state uint64 }

// Every kind of stream has its own first word, so that streams about different things never run alike.
const (
	aboutCustomer = iota + 1
	aboutDay
	aboutProduct
	aboutSales
	aboutPromotion
	aboutRefund
	aboutTrial
)

// seeded starts the stream about something: kind is one of the constants above, a and b say which one.
func seeded(seed, kind uint64, a, b int64) random {
	h := scramble(seed + kind*0x9e3779b97f4a7c15)
	h = scramble(h ^ uint64(a))
	return random{scramble(h ^ uint64(b)*0xd1342543de82ef95)}
}

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return scramble(r.state)
}

// unit is uniform in [0, 1).
func (r *random) unit() float64 { return float64(r.next()>>11) * 0x1p-53 }

// below is uniform in [0, n).
func (r *random) below(n int) int { return int((r.next() >> 32) * uint64(n) >> 32) }

// wait is exponential with mean 1, the time to the next event of a Poisson process.
func (r *random) wait() float64 { return -math.Log(1 - r.unit()) }

// spread is log-normal with median 1: sigma .5 puts nine in ten between a half and 2.2. The normal is a sum of uniforms,
// near enough for habits.
func (r *random) spread(sigma float64) float64 {
	return math.Exp(sigma * math.Sqrt(3) * (r.unit() + r.unit() + r.unit() + r.unit() - 2))
}

// lottery draws from weights in constant time (the alias method: Walker 1977, built as in Vose 1991).
type lottery struct {
	keep  []uint32 // chance to keep the ticket, of 2^32
	other []int32  // who gets it else
}

// newLottery takes the weights, of which at least one must be positive.
func newLottery(weights []float64) lottery {
	n := len(weights)
	l := lottery{keep: make([]uint32, n), other: make([]int32, n)}
	var total float64
	for _, w := range weights {
		total += w
	}
	scaled := make([]float64, n)
	small, large := make([]int32, 0, n), make([]int32, 0, n)
	for i, w := range weights {
		scaled[i] = w * float64(n) / total
		if scaled[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, g := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		l.keep[s], l.other[s] = uint32(scaled[s]*math.MaxUint32), g
		scaled[g] += scaled[s] - 1
		if scaled[g] < 1 {
			large = large[:len(large)-1]
			small = append(small, g)
		}
	}
	for _, i := range append(small, large...) { // what rounding has left over
		l.keep[i], l.other[i] = math.MaxUint32, i
	}
	return l
}

func (l *lottery) draw(r *random) int {
	x := r.next()
	i := (x >> 32) * uint64(len(l.keep)) >> 32
	if uint32(x) <= l.keep[i] {
		return int(i)
	}
	return int(l.other[i])
}
