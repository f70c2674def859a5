package chart

import (
	"math"
	"regexp"
	"strconv"
)

// path replays the steps of a path.
func (b *brush) path(d string) {
	move := b.moves[len(b.moves)-1]
	x := func(v float64) float64 { return (v + move[0]) * b.scale }
	y := func(v float64) float64 { return (v + move[1]) * b.scale }
	var at, start [2]float64
	line := func() { b.gc.LineTo(x(at[0]), y(at[1])) }
	for _, seg := range steps(d) {
		v := seg.v
		switch seg.op {
		case 'M':
			at, start = [2]float64{v[0], v[1]}, [2]float64{v[0], v[1]}
			b.gc.MoveTo(x(at[0]), y(at[1]))
		case 'L':
			at = [2]float64{v[0], v[1]}
			line()
		case 'H', 'h', 'V', 'v':
			switch seg.op {
			case 'H':
				at[0] = v[0]
			case 'h':
				at[0] += v[0]
			case 'V':
				at[1] = v[0]
			default:
				at[1] += v[0]
			}
			line()
		case 'Q':
			b.gc.QuadCurveTo(x(v[0]), y(v[1]), x(v[2]), y(v[3]))
			at = [2]float64{v[2], v[3]}
		case 'l':
			for i := 0; i+1 < len(v); i += 2 {
				at = [2]float64{at[0] + v[i], at[1] + v[i+1]}
				line()
			}
		case 'q':
			b.gc.QuadCurveTo(x(at[0]+v[0]), y(at[1]+v[1]), x(at[0]+v[2]), y(at[1]+v[3]))
			at = [2]float64{at[0] + v[2], at[1] + v[3]}
		case 'C':
			b.gc.CubicCurveTo(x(v[0]), y(v[1]), x(v[2]), y(v[3]), x(v[4]), y(v[5]))
			at = [2]float64{v[4], v[5]}
		case 'A', 'a':
			to := [2]float64{v[5], v[6]}
			if seg.op == 'a' {
				to[0], to[1] = to[0]+at[0], to[1]+at[1]
			}
			for _, p := range circleArc(at, to, v[0], v[3] == 1, v[4] == 1) {
				at = p
				line()
			}
		case 'Z':
			b.gc.Close()
			at = start
		}
	}
}

type pathOp struct {
	op byte
	v  []float64
}

var (
	stepText   = regexp.MustCompile(`[A-Za-z][^A-Za-z]*`)
	stepNumber = regexp.MustCompile(`-?[0-9.]+`)
)

// steps reads a path of ours. A step with too few numbers is left out.
func steps(d string) (out []pathOp) {
	needs := map[byte]int{'M': 2, 'L': 2, 'H': 1, 'h': 1, 'V': 1, 'v': 1, 'l': 2, 'Q': 4, 'q': 4, 'C': 6, 'A': 7, 'a': 7, 'Z': 0}
	for _, s := range stepText.FindAllString(d, -1) {
		p := pathOp{op: s[0]}
		for _, f := range stepNumber.FindAllString(s, -1) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				v = 0
			}
			p.v = append(p.v, v)
		}
		if n, ok := needs[p.op]; ok && len(p.v) >= n {
			out = append(out, p)
		}
	}
	return out
}

// circleArc is the longer or shorter arc of a circle between two points as a line of points; right turns clockwise.
func circleArc(from, to [2]float64, radius float64, long, right bool) (out [][2]float64) {
	dx, dy := to[0]-from[0], to[1]-from[1]
	chord := math.Hypot(dx, dy)
	if chord == 0 || radius == 0 {
		return [][2]float64{to}
	}
	radius = max(radius, chord/2)
	off := math.Sqrt(max(radius*radius-chord*chord/4, 0)) / chord
	if right == long {
		off = -off
	}
	cx, cy := (from[0]+to[0])/2-dy*off, (from[1]+to[1])/2+dx*off
	a0, a1 := math.Atan2(from[1]-cy, from[0]-cx), math.Atan2(to[1]-cy, to[0]-cx)
	switch {
	case right && a1 < a0:
		a1 += 2 * math.Pi
	case !right && a1 > a0:
		a1 -= 2 * math.Pi
	}
	const parts = 24
	for i := 1; i < parts; i++ {
		a := a0 + (a1-a0)*float64(i)/parts
		out = append(out, [2]float64{cx + radius*math.Cos(a), cy + radius*math.Sin(a)})
	}
	return append(out, to)
}
