package chart

import "math"

// marker is the outline of a point. A group has its own, so that colour is not all that tells groups apart.
type marker int

const (
	circle marker = iota
	square
	triangle
	diamond
	cross
	star
	ring  // for Other
	arrow // points down at what it marks
)

// markerOf is the shape of a palette slot.
func markerOf(slot int) marker {
	if slot < 0 || slot >= colours {
		return ring
	}
	return marker(slot)
}

// shape draws a marker of about the same weight whatever its outline; size is the radius of the circle, in px.
func (r *renderer) shape(k marker, x, y, size float64, m mark) {
	r.path(r.outline(nil, k, x, y, size), m)
}

// reach is how far a marker extends from its middle, in sizes.
const reach = 1.35

func (r *renderer) outline(d []byte, k marker, x, y, size float64) []byte {
	poly := func(corners ...float64) []byte {
		op := byte('M')
		for i := 0; i+1 < len(corners); i += 2 {
			d = r.to(d, op, x+corners[i]*size, y+corners[i+1]*size)
			op = 'L'
		}
		return append(d, 'Z')
	}
	disc := func(radius float64, sweep string) []byte {
		d = r.to(d, 'M', x-radius, y)
		for _, dx := range []float64{2 * radius, -2 * radius} {
			d = append(d, 'a')
			d = r.num(d, radius)
			d = append(d, ' ')
			d = r.num(d, radius)
			d = append(d, " 0 1 "+sweep+" "...)
			d = r.num(d, dx)
			d = append(d, " 0"...)
		}
		return append(d, 'Z')
	}
	switch k {
	case square:
		return poly(-.9, -.9, .9, -.9, .9, .9, -.9, .9)
	case triangle:
		return poly(0, -1.2, 1.15, .85, -1.15, .85)
	case diamond:
		return poly(0, -reach, 1.2, 0, 0, reach, -1.2, 0)
	case cross:
		return poly(-.4, -1.2, .4, -1.2, .4, -.4, 1.2, -.4, 1.2, .4, .4, .4, .4, 1.2, -.4, 1.2, -.4, .4, -1.2, .4, -1.2, -.4, -.4, -.4)
	case star:
		var corners []float64
		for i := range 10 {
			radius := reach
			if i%2 == 1 {
				radius = 0.6
			}
			a := float64(i) * math.Pi / 5
			corners = append(corners, radius*math.Sin(a), -radius*math.Cos(a))
		}
		return poly(corners...)
	case ring:
		d = disc(size, "1")
		return disc(size*0.5, "0")
	case arrow:
		return poly(-1.1, -.9, 1.1, -.9, 0, 1)
	}
	return disc(size, "1")
}
