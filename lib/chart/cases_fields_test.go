package chart

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// newSamples are the samples of histogram, heatmap, flow, graph and of logarithmic axes.
func newSamples(both, add, empty func(string, Spec)) {
	rng := rand.New(rand.NewPCG(11, 12))
	amounts := make([]float64, 2_000)
	for i := range amounts {
		amounts[i] = math.Round(100*math.Exp(6+0.9*rng.NormFloat64())) / 100
	}
	both("histogram", Spec{Kind: Histogram, Title: "Amounts", Series: []Series{{Name: "Sales", Values: noiseNormal(rng, 1_000, 420, 90)}}, FormatX: sar, AxisX: Compact})
	both("histogram_log", Spec{Kind: Histogram, Title: "Amounts", LogX: true, Series: []Series{{Name: "Sales", Values: amounts}}, FormatX: sar, AxisX: Compact})
	add("histogram_counts", Spec{Kind: Histogram, Title: "Items in a basket", Series: []Series{{Values: []float64{1, 2, 3, 4, 5, 6, 9}}}, Weights: []float64{51_200, 20_100, 9_000, 3_000, 700, 90, 4}})
	add("histogram_one", Spec{Kind: Histogram, Title: "One value", Series: []Series{{Values: []float64{7.5}}}})
	add("histogram_equal", Spec{Kind: Histogram, Title: "All equal", Series: []Series{{Values: same(9, 42)}}})
	add("histogram_zero", Spec{Kind: Histogram, Title: "All zero", Series: []Series{{Values: same(9, 0)}}})
	add("histogram_negative", Spec{Kind: Histogram, Title: "Change", Series: []Series{{Values: noiseNormal(rng, 300, -3, 10)}}, Bins: 12})
	add("histogram_gaps", Spec{Kind: Histogram, Title: "Gaps", LogX: true, Series: []Series{{Values: []float64{nan, 1, 10, math.Inf(1), 0, -5, 100}}}})
	add("histogram_10000", Spec{Kind: Histogram, Title: "Ten thousand", Series: []Series{{Values: noiseNormal(rng, 10_000, 0, 1)}}})
	empty("histogram_gaps_only", Spec{Kind: Histogram, Series: []Series{{Values: same(3, nan)}}})

	hours := make([]string, 24)
	for i := range hours {
		hours[i] = fmt.Sprintf("%02d", i)
	}
	week := func(scale float64) (out []Series) {
		for d, name := range []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"} {
			v := make([]float64, 24)
			for i := range v {
				v[i] = math.Round(scale * math.Max(0, math.Sin(float64(i-7)/16*math.Pi)) * (1 + float64(d%5)/4))
			}
			out = append(out, Series{Name: name, Values: v})
		}
		return out
	}
	both("heatmap", Spec{Kind: Heatmap, Title: "Sales by hour and weekday", Labels: hours, Series: week(90), FormatY: sar})
	names := []string{"ingest", "segments", "basket", "anomalies", "report"}
	states := make([][]string, len(names))
	series := make([]Series, len(names))
	for k := range names {
		series[k].Name = names[k]
		for i := range 40 {
			state := "succeeded"
			switch {
			case k == 2 && i == 12, k == 3 && i%17 == 4:
				state = "failed"
			case i == 39:
				state = []string{"running", "running", "queued", "queued", "skipped"}[k]
			case k == 4 && i < 3:
				state = ""
			case (i+k)%19 == 7:
				state = "late"
			}
			states[k] = append(states[k], state)
		}
	}
	both("heatmap_states", Spec{Kind: Heatmap, Title: "Runs", Times: minutes(40, 15*time.Minute), Series: series, States: states, Location: riyadh})
	add("heatmap_one", Spec{Kind: Heatmap, Title: "One field", Labels: []string{"a"}, Series: []Series{{Name: "b", Values: []float64{4}}}})
	add("heatmap_equal", Spec{Kind: Heatmap, Title: "All equal", Labels: []string{"a", "b"}, Series: []Series{{Name: "x", Values: same(2, 3)}, {Name: "y", Values: same(2, 3)}}})
	add("heatmap_zero", Spec{Kind: Heatmap, Title: "All zero", Labels: []string{"a", "b"}, Series: []Series{{Name: "x", Values: same(2, 0)}}})
	add("heatmap_negative", Spec{Kind: Heatmap, Title: "Change", Labels: []string{"Jan", "Feb", "Mar"}, Series: []Series{
		{Name: "Riyadh", Values: []float64{4, -3, nan}}, {Name: "Jeddah", Values: []float64{-9, 0.5, 2}}}})
	both("heatmap_names", Spec{Kind: Heatmap, Title: "Names", Labels: []string{longName, arabicName, hostile, ""}, Series: []Series{
		{Name: longName, Values: noise(4, 9, 1)}, {Name: arabicName, Values: noise(4, 9, 2)}, {Name: hostile, Values: noise(4, 9, 3)}}})
	add("heatmap_10000", Spec{Kind: Heatmap, Title: "Ten thousand", Labels: named6(200), Series: manySeries(50, 200)})
	empty("heatmap_gaps_only", Spec{Kind: Heatmap, Labels: []string{"a"}, Series: []Series{{Name: "x", Values: []float64{nan}}}})

	segments := []string{"Champions", "Loyal Customers", "New Customers", "At Risk"}
	var moves []Link
	for i, from := range segments {
		for j, to := range segments {
			v := math.Round(220 / (1 + 3*math.Abs(float64(i-j))))
			if (i+j)%3 == 1 {
				v = math.Round(v / 3)
			}
			moves = append(moves, Link{from, to, v})
		}
	}
	both("flow", Spec{Kind: Flow, Title: "Who moved where", Links: moves})
	both("flow_steps", Spec{Kind: Flow, Title: "From source to table", Steps: true, Links: []Link{{"sales", "stream", 900}, {"refunds", "stream", 120}, {"sales", "held", 30},
		{"stream", "minutes", 700}, {"stream", "hours", 310}, {"stream", "dead letters", 10}, {"minutes", "report", 700}, {"hours", "report", 310}, {"held", "report", 30}}})
	add("flow_one", Spec{Kind: Flow, Title: "One row", Links: []Link{{"a", "b", 3}}})
	add("flow_equal", Spec{Kind: Flow, Title: "All equal", Links: []Link{{"a", "x", 1}, {"a", "y", 1}, {"b", "x", 1}, {"b", "y", 1}}})
	add("flow_zero", Spec{Kind: Flow, Title: "All zero", Links: []Link{{"a", "x", 0}, {"b", "y", 0}}})
	add("flow_gaps", Spec{Kind: Flow, Title: "Gaps", Links: []Link{{"a", "x", nan}, {"b", "y", 5}, {"c", "z", math.Inf(1)}}})
	add("flow_cycle", Spec{Kind: Flow, Title: "A cycle", Steps: true, Links: []Link{{"a", "b", 5}, {"b", "c", 4}, {"c", "a", 2}, {"c", "c", 1}}})
	both("flow_names", Spec{Kind: Flow, Title: "Names", Links: []Link{{longName, arabicName, 5}, {hostile, longName, 2}, {arabicName, hostile, 1}, {"", "", 1}}})
	var many []Link
	for i := range 10_000 {
		many = append(many, Link{"from " + strconv.Itoa(i%97), "to " + strconv.Itoa(i%89), float64(1 + i%7)})
	}
	add("flow_10000", Spec{Kind: Flow, Title: "Ten thousand", Links: many})
	empty("flow_gaps_only", Spec{Kind: Flow, Links: []Link{{"a", "b", nan}}})

	jobs := []Node{
		{Name: "seed", State: "succeeded", Note: "0.4 s"}, {Name: "ingest_sales", State: "running", Note: "12,400 rows/s"}, {Name: "ingest_refunds", State: "running", Note: "310 rows/s"},
		{Name: "sessions", State: "succeeded", Note: "2.1 s"}, {Name: "rfm", State: "succeeded", Note: "1.8 s"}, {Name: "segments", State: "failed", Note: "gate: 3 of 4"},
		{Name: "basket", State: "succeeded", Note: "6.0 s"}, {Name: "anomalies", State: "late"}, {Name: "report", State: "skipped"}, {Name: "lonely", State: "queued"},
	}
	needs := []Link{{"seed", "ingest_sales", nan}, {"seed", "ingest_refunds", nan}, {"ingest_sales", "sessions", 12_400}, {"ingest_refunds", "sessions", 310}, {"ingest_sales", "rfm", nan},
		{"sessions", "segments", nan}, {"rfm", "segments", nan}, {"ingest_sales", "basket", nan}, {"ingest_sales", "anomalies", nan}, {"segments", "report", nan}, {"basket", "report", nan}, {"anomalies", "report", nan}, {"seed", "report", nan}}
	both("graph", Spec{Kind: Graph, Title: "The pipeline", Width: 1200, Nodes: jobs, Links: needs})
	add("graph_half", Spec{Kind: Graph, Title: "The pipeline", Width: 580, Nodes: jobs, Links: needs})
	add("graph_one", Spec{Kind: Graph, Title: "One box", Nodes: []Node{{Name: "a"}}})
	add("graph_plain", Spec{Kind: Graph, Title: "Without states", Links: []Link{{"a", "b", nan}, {"a", "c", nan}}})
	both("graph_cycle", Spec{Kind: Graph, Title: "A cycle", Links: []Link{{"a", "b", nan}, {"b", "c", nan}, {"c", "a", nan}, {"b", "b", nan}}})
	both("graph_names", Spec{Kind: Graph, Title: "Names", Nodes: []Node{{Name: longName, State: hostile, Note: hostile}, {Name: "x", Label: arabicName, State: "failed", Note: arabicName}, {Name: hostile, Label: ""}},
		Links: []Link{{longName, "x", 1}, {"x", hostile, 2}, {hostile, "日本語の長い商品名です", nan}}})
	var chain []Link
	for i := range 10_000 {
		chain = append(chain, Link{"n" + strconv.Itoa(i/3), "n" + strconv.Itoa(i), nan})
	}
	add("graph_10000", Spec{Kind: Graph, Title: "Ten thousand", Links: chain})
	empty("graph_nameless", Spec{Kind: Graph, Links: []Link{{"", "", nan}}})

	xs, ys, groups := clusters(220)
	both("scatter_log", Spec{Kind: Scatter, Title: "Customer clusters", LogX: true, LogY: true, Xs: xs, Ys: ys, Groups: groups, Series: manySeries(4, 0),
		FormatX: days, AxisX: daysShort, FormatY: sar, AxisY: Compact, NameX: "Recency", NameY: "Spend (SAR)"})
	add("line_log", Spec{Kind: Line, Title: "Lag", LogY: true, Times: minutes(60, time.Minute), Series: []Series{
		{Name: "sales", Color: 0, Values: powers(60, 5)}, {Name: "refunds", Color: 1, Values: powers(60, 2)}}})
	add("line_log_gaps", Spec{Kind: Line, Title: "Zeros", LogY: true, Times: minutes(4, time.Minute), Series: []Series{{Name: "x", Values: []float64{0, 3, -1, 4000}}}})
	empty("line_log_zero", Spec{Kind: Line, LogY: true, Times: minutes(2, time.Minute), Series: []Series{{Values: same(2, 0)}}})
}

func noiseNormal(rng *rand.Rand, n int, mean, spread float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round((mean+spread*rng.NormFloat64())*100) / 100
	}
	return out
}

// powers runs over p powers of ten.
func powers(n int, p float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round(math.Pow(10, p*math.Abs(math.Sin(float64(i)/9))))
	}
	return out
}
