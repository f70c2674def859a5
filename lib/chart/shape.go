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

	tickMark // of tones, see Tone
	exMark
	play
	dash
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

// tenth rounds to what a position is written in.
func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// delta appends a number of a relative step; a minus sign needs no space before it.
func (r *renderer) delta(d []byte, v float64, first bool) []byte {
	if !first && tenth(v) >= 0 {
		d = append(d, ' ')
	}
	return r.num(d, v)
}

// reach is how far a marker extends from its middle, in sizes.
const reach = 1.35

func (r *renderer) outline(d []byte, k marker, x, y, size float64) []byte {
	// Corners are written as steps from one to the next, half as long as places: points are most of a scatter.
	poly := func(corners ...float64) []byte {
		d = r.to(d, 'M', x+corners[0]*size, y+corners[1]*size)
		for i := 2; i+1 < len(corners); i += 2 {
			if i == 2 {
				d = append(d, 'l')
			}
			for k := i; k < i+2; k++ {
				d = r.delta(d, tenth(corners[k]*size)-tenth(corners[k-2]*size), i == 2 && k == 2)
			}
		}
		return append(d, 'Z')
	}
	// A circle is one arc to a tenth of a pixel beside its start, clockwise, or the other way round for a hole.
	disc := func(radius float64, way string) []byte {
		d = r.to(d, 'M', x-radius, y)
		d = append(d, 'a')
		d = r.num(d, radius)
		d = append(d, ' ')
		d = r.num(d, radius)
		return append(d, way...)
	}
	const clockwise, back = " 0 1 1 0 0.1Z", " 0 1 0 0-0.1Z"
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
		d = disc(size, clockwise)
		return disc(size*0.5, back)
	case tickMark:
		return poly(-1.15, .1, -.7, -.4, -.3, .05, .75, -1, 1.2, -.55, -.3, 1)
	case exMark:
		return poly(-1, -.5, -.5, -1, 0, -.5, .5, -1, 1, -.5, .5, 0, 1, .5, .5, 1, 0, .5, -.5, 1, -1, .5, -.5, 0)
	case play:
		return poly(-.8, -1.1, 1.1, 0, -.8, 1.1)
	case dash:
		return poly(-1, -.35, 1, -.35, 1, .35, -1, .35)
	case arrow:
		return poly(-1.1, -.9, 1.1, -.9, 0, 1)
	}
	return disc(size, clockwise)
}
