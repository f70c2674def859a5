package chart

import "testing"

func BenchmarkSVG(b *testing.B) {
	for _, d := range samples() {
		switch d.name {
		case "area", "area_narrow", "line", "timebars", "bars", "hbar", "donut", "scatter", "spark", "line_10000_points", "scatter_10000_points",
			"histogram", "heatmap", "heatmap_states", "flow", "graph", "heatmap_10000", "flow_10000", "graph_10000":
		default:
			continue
		}
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				svg, err := SVG(d.spec)
				if err != nil {
					b.Fatal(err)
				}
				size = len(svg)
			}
			b.ReportMetric(float64(size), "svg-bytes")
		})
	}
}
