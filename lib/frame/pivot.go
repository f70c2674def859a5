package frame

import "fmt"

// Pivot turns a long frame into a wide one: a row for each value of x, a column of numbers for each value of key, as a
// chart of several series wants it. Both keep the order in which they first appear. The first column is x with its own
// kind; the others are Float, named by the text of their key ("" becomes "(none)"), with null where the long frame has
// no row for the pair. Rows whose x is null are left out.
//
// Two rows for one pair are an error, for only the query knows whether to add or to average them; so is a name that is
// no column, and a result of more than [MaxRows] rows.
func (f *Frame) Pivot(x, key, value string) (*Frame, error) {
	xs, keys, values := f.Column(x), f.Column(key), f.Column(value)
	for name, c := range map[string]*Column{x: xs, key: keys, value: values} {
		if c == nil {
			return nil, fmt.Errorf("pivot: no column %q", name)
		}
	}
	row, col, cells := map[string]int{}, map[string]int{}, map[[2]int]float64{}
	var firsts []int // the row of f at which each x first appears
	var names []string
	for i := range f.Rows() {
		if xs.IsNull(i) {
			continue
		}
		r, ok := row[xs.Text(i)]
		if !ok {
			r = len(firsts)
			row[xs.Text(i)] = r
			firsts = append(firsts, i)
		}
		name := keys.Text(i)
		if name == "" {
			name = "(none)"
		}
		k, ok := col[name]
		if !ok {
			k = len(names)
			col[name] = k
			names = append(names, name)
		}
		at := [2]int{r, k}
		if _, twice := cells[at]; twice {
			return nil, fmt.Errorf("pivot: two rows for %s %q and %s %q: group by both in the query", x, xs.Text(i), key, name)
		}
		cells[at] = values.Float(i)
	}
	if len(firsts) > MaxRows {
		return nil, fmt.Errorf("pivot: %d values of %s, more than %d", len(firsts), x, MaxRows)
	}
	return wide(xs, firsts, names, cells)
}

// wide lays the cells out. A key that is called like x keeps its name apart by a trailing prime.
func wide(xs *Column, firsts []int, names []string, cells map[[2]int]float64) (*Frame, error) {
	out := &Frame{Columns: []Column{xs.pick(firsts)}}
	for k, name := range names {
		if name == xs.Name {
			name += "'"
		}
		c := Column{Name: name, Kind: Float, Floats: make([]float64, len(firsts))}
		for r := range firsts {
			v, ok := cells[[2]int{r, k}]
			if ok && v == v {
				c.Floats[r] = v
				continue
			}
			if c.Null == nil {
				c.Null = make([]bool, len(firsts))
			}
			c.Null[r] = true
		}
		out.Columns = append(out.Columns, c)
	}
	return out, out.Check()
}

// pick copies the given rows of a column.
func (c *Column) pick(rows []int) Column {
	out := Column{Name: c.Name, Kind: c.Kind}
	for _, i := range rows {
		switch c.Kind {
		case Int:
			out.Ints = append(out.Ints, c.Ints[i])
		case Float:
			out.Floats = append(out.Floats, c.Floats[i])
		case Bool:
			out.Bools = append(out.Bools, c.Bools[i])
		case Time:
			out.Times = append(out.Times, c.Times[i])
		default:
			out.Strings = append(out.Strings, c.Strings[i])
		}
		if c.Null != nil {
			out.Null = append(out.Null, c.Null[i])
		}
	}
	return out
}
