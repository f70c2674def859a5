package chart

// CSS is the rules charts and legend keys need. It stands on variables that the page defines for each theme:
//
//	--s0 to --s5, --other   colours of series
//	--surface               what a chart stands on; also the gap between marks
//	--text, --muted         values; labels of axes
//	--grid, --axis          lines
//	--bad, --good           anomalies, and states that are bad or good
//
// The gap between stacked areas is a stroke below the fill: half of it shows, and only on the layer under it, so that a
// thin layer on top is not eaten up.
//
// A chart fills the width of its box; the page gives it no style of its own.
const CSS = `.chart{display:block;width:100%;height:auto}
.chart.spark{height:40px}
.key{display:inline-block;width:12px;height:12px;flex:none}
.chart .f0,.key .f0{fill:var(--s0)}.chart .f1,.key .f1{fill:var(--s1)}.chart .f2,.key .f2{fill:var(--s2)}
.chart .f3,.key .f3{fill:var(--s3)}.chart .f4,.key .f4{fill:var(--s4)}.chart .f5,.key .f5{fill:var(--s5)}
.chart .fo,.key .fo{fill:var(--other)}.chart .fbad{fill:var(--bad)}
.chart .s0{stroke:var(--s0)}.chart .s1{stroke:var(--s1)}.chart .s2{stroke:var(--s2)}
.chart .s3{stroke:var(--s3)}.chart .s4{stroke:var(--s4)}.chart .s5{stroke:var(--s5)}.chart .so{stroke:var(--other)}
.chart text{font-size:13px;fill:var(--muted);font-variant-numeric:tabular-nums}
.chart .value{fill:var(--text);font-weight:600}
.chart .day,.chart .name{fill:var(--text)}
.chart .number{font-size:26px;font-weight:650;fill:var(--text)}
.chart .grid{fill:none;stroke:var(--grid);shape-rendering:crispEdges}
.chart .axis{fill:none;stroke:var(--axis);shape-rendering:crispEdges}
.chart .area{stroke:var(--surface);stroke-width:2;paint-order:stroke;stroke-linejoin:round}
.chart.narrow .area{stroke-width:.8}
.chart .plot{overflow:visible}
.chart .slice{stroke:var(--surface);stroke-width:2;stroke-linejoin:round}
.chart .hollow{fill:var(--grid)}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.chart .so.line{stroke-width:1}
.chart .wash{fill-opacity:.12}
.chart .dot,.chart .point{stroke:var(--surface);stroke-width:1}
.chart .point{fill-opacity:.85}
.chart .crowd{fill-opacity:.55}
.chart .bands path{fill:var(--text);fill-opacity:0}
.chart .bands path:hover{fill-opacity:.07}
.chart .bar:hover,.chart .slice:hover,.chart .point path:hover{fill-opacity:.75}
.chart .h0,.key .h0{fill:var(--grid);fill-opacity:.5}.chart .h1,.key .h1{fill-opacity:.13}.chart .h2,.key .h2{fill-opacity:.22}
.chart .h3,.key .h3{fill-opacity:.33}.chart .h4,.key .h4{fill-opacity:.48}.chart .h5,.key .h5{fill-opacity:.78}
.chart .amount{fill:var(--text)}.chart .on{fill:var(--surface)}
.chart .tgood,.key .tgood{fill:var(--good)}.chart .tbad,.key .tbad{fill:var(--bad)}.chart .twarn,.key .twarn{fill:var(--s4)}
.chart .tbusy,.key .tbusy{fill:var(--s0)}.chart .tidle,.key .tidle{fill:var(--other)}
.chart .field{fill-opacity:.17}.chart .field path:hover,.chart .ribbon:hover{fill-opacity:.55}
.chart .node{fill:var(--surface);stroke:var(--axis);stroke-width:1.5}.chart .node.tgood{stroke:var(--good)}
.chart .node.tbad{stroke:var(--bad);stroke-width:2.5}.chart .node.twarn{stroke:var(--s4)}.chart .node.tbusy{stroke:var(--s0)}
.chart .edge{fill:none;stroke:var(--muted);stroke-width:1.2;stroke-opacity:.7}.chart .back{stroke-dasharray:4 3}
.chart .arrow{fill:var(--muted)}.chart .ribbon{fill-opacity:.34}
.chart .halo{paint-order:stroke;stroke:var(--surface);stroke-width:3px;stroke-linejoin:round}
.chart .middle{fill:none;stroke-width:1.5;stroke-dasharray:5 3}
.chart text:not([data-tip]){pointer-events:none}
.chart.spark .line{vector-effect:non-scaling-stroke;stroke-width:1.5}
`
