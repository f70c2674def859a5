package notebook

import (
	"fmt"
	"io"
	"strings"

	"tillflow/lib/chart"
	"tillflow/lib/strictyaml"
)

// ChartSVG writes one chart as a file of its own, with its title, legend and colours. The error is chart.ErrEmpty when
// it has nothing to draw, a *CellError when its query failed or its columns do not fit, and one that lists the charts
// there are when none has the name.
func (d *Data) ChartSVG(w io.Writer, cell string, p chart.Picture) error {
	spec, err := d.picture(cell, p)
	if err != nil {
		return err
	}
	return chart.StandAlone(w, spec, p)
}

// ChartPNG is ChartSVG as a picture of pixels; see chart.PNG for the letters it has.
func (d *Data) ChartPNG(w io.Writer, cell string, p chart.Picture) error {
	spec, err := d.picture(cell, p)
	if err != nil {
		return err
	}
	return chart.PNG(w, spec, p)
}

// picture finds a chart and what it draws; its width is that on the page, where p does not say.
func (d *Data) picture(name string, p chart.Picture) (chart.Spec, error) {
	c := d.Report.byName[name]
	if c == nil || c.chart == nil {
		names := d.Report.Cells("chart")
		hint := strictyaml.Suggest(name, names)
		switch {
		case len(names) == 0:
			hint = "it has none"
		case hint == "":
			hint = "charts: " + strings.Join(names, ", ")
		}
		return chart.Spec{}, fmt.Errorf("%s: no chart is called %q (%s)", d.Report.File, name, hint)
	}
	r := d.Results[c.chart.Data]
	if r.Frame == nil {
		if r.Err != nil {
			return chart.Spec{}, r.Err
		}
		for _, other := range d.Results { // what it waits for
			if other.Err != nil && other.Err.Cell == r.Waiting {
				return chart.Spec{}, other.Err
			}
		}
		return chart.Spec{}, fmt.Errorf("%s: chart %q waits for %q", d.Report.File, name, c.chart.Data)
	}
	if r.Frame.Rows() == 0 {
		return chart.Spec{}, fmt.Errorf("chart %q: %w", name, chart.ErrEmpty)
	}
	spec, failed := d.spec(c, r.Frame)
	if failed != nil {
		return spec, failed
	}
	if ring := spec.Kind == chart.Pie || spec.Kind == chart.Donut; !ring && p.Width == 0 {
		spec.Width = halfWidth
		if c.chart.Width == "full" {
			spec.Width = wideWidth
		}
	}
	return spec, nil
}
