package notebook

// widen gives a cell that would stand alone in a row of two the whole row: a card beside nothing looks like a mistake.
// Cells whose file says width: half keep to it.
func (s *section) widen() {
	if s.columns != 0 && s.columns != 2 {
		return
	}
	widen(s.blocks)
	for _, t := range s.tabs {
		widen(t.blocks)
	}
}

func widen(blocks []block) {
	var left *cell // stands in the left half; the right one is free
	end := func() {
		if left != nil {
			left.setFull()
		}
		left = nil
	}
	for _, b := range blocks {
		c := b.cell
		switch {
		case c == nil || c.kpi != nil: // prose and figures end a grid
			end()
		case c.sql != nil: // draws nothing, unless it fails
		case c.width() == "full":
			end()
		case left == nil:
			left = c
		default:
			left = nil
		}
	}
	end()
}

// width is what a cell in a grid says of it: half, full or nothing.
func (c *cell) width() string {
	switch {
	case c.chart != nil:
		return c.chart.Width
	case c.table != nil:
		return c.table.Width
	case c.note != nil && c.note.full:
		return "full"
	}
	return ""
}

func (c *cell) setFull() {
	switch {
	case c.width() == "half":
	case c.chart != nil:
		c.chart.Width = "full"
	case c.table != nil:
		c.table.Width = "full"
	case c.note != nil:
		c.note.full = true
	}
}
