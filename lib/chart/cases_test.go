package chart

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

var nan = math.NaN()

func sar(v float64) string        { return "SAR " + Grouped(v) }
func sarCompact(v float64) string { return "SAR " + Compact(v) }
func days(v float64) string       { return Grouped(v) + " days" }
func daysShort(v float64) string  { return Compact(v) + " d" }

var riyadh = time.FixedZone("AST", 3*3600)

// hostile is a name that does harm wherever it is not escaped.
const hostile = `</title><script>alert(1)</script>"'&<img src=x onerror=alert(1)>` + "\x00\xff]]>"

const (
	longName   = "Extraordinarily Long Product Name, No. 40"
	arabicName = "حاسوب محمول فائق السرعة للألعاب والتصميم"
)

var products = []string{"Laptop Pro 14", "Smartphone X", "Tablet 11", "Smart Watch", "Headphones NC", "Charger 65W"}

// minutes are n windows that start one step apart.
func minutes(n int, step time.Duration) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = time.Date(2026, 11, 22, 15, 34, 0, 0, time.UTC).Add(time.Duration(i) * step)
	}
	return out
}

// noise is n values around mean, the same for the same seed.
func noise(n int, mean float64, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round(mean * (0.4 + rng.Float64() + 0.3*math.Sin(float64(i)/9)))
	}
	return out
}

func productSeries(n int) []Series {
	var out []Series
	for i, p := range products {
		out = append(out, Series{Name: p, Color: i, Values: noise(n, 30_000/float64(i+1), uint64(i))})
	}
	return out
}

func cumulative(v []float64) []float64 {
	out, sum := make([]float64, len(v)), 0.0
	for i := range v {
		sum += v[i]
		out[i] = sum
	}
	return out
}

func named6(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "Product " + strconv.Itoa(i+1)
	}
	return out
}

func clusters(n int) (xs, ys []float64, groups []int) {
	rng := rand.New(rand.NewPCG(3, 4))
	middle := [][2]float64{{5, 34_000}, {22, 17_000}, {11, 4_500}, {62, 11_000}}
	for range n {
		g := rng.IntN(len(middle))
		xs = append(xs, math.Max(0, math.Round(middle[g][0]*(1+0.4*rng.NormFloat64()))))
		ys = append(ys, math.Max(0, math.Round(middle[g][1]*(1+0.25*rng.NormFloat64()))))
		groups = append(groups, g)
	}
	return xs, ys, groups
}

func flagAt(n int, at ...int) []bool {
	out := make([]bool, n)
	for _, i := range at {
		out[i] = true
	}
	return out
}

type sample struct {
	name  string
	spec  Spec
	empty bool // SVG returns ErrEmpty
}

// samples are every kind as it stands on the dashboard, wide and narrow, and every edge it must hold at.
func samples() []sample {
	var out []sample
	add := func(name string, s Spec) {
		s.ID = name
		out = append(out, sample{name: name, spec: s})
	}
	both := func(name string, s Spec) {
		add(name, s)
		s.Width = 360
		out = append(out, sample{name: name + "_narrow", spec: func() Spec { s.ID = name; return s }()})
	}
	empty := func(name string, s Spec) { out = append(out, sample{name: name, spec: s, empty: true}) }

	volume := noise(100, 42, 9)
	volume[41], volume[77] = 91, 4
	segments := []Series{{Name: "Champions", Color: 0}, {Name: "Loyal Customers", Color: 1}, {Name: "New Customers", Color: 2}, {Name: "At Risk", Color: 3}}
	xs, ys, groups := clusters(220)
	top := []float64{2_880_000, 2_400_000, 1_520_000, 1_160_000, 943_000, 232_000}

	both("area", Spec{Kind: Area, Title: "Revenue by product over time", Times: minutes(100, time.Minute), Series: productSeries(100),
		FormatY: sar, AxisY: sarCompact, Location: riyadh})
	both("line", Spec{Kind: Line, Title: "Cumulative revenue", Times: minutes(100, time.Minute), Location: riyadh,
		Series: []Series{{Name: "Revenue", Values: cumulative(noise(100, 91_000, 3))}}, FormatY: sar, AxisY: sarCompact})
	both("line_many", Spec{Kind: Line, Title: "Lag by stream", Times: minutes(60, time.Minute), Location: riyadh, Series: productSeries(60)})
	both("timebars", Spec{Kind: TimeBars, Title: "Transaction volume", Times: minutes(100, time.Minute), Location: riyadh,
		Series: []Series{{Name: "Transactions", Values: volume}}, Flags: flagAt(100, 41, 77)})
	both("timebars_stacked", Spec{Kind: TimeBars, Title: "Rows by stream", Times: minutes(48, time.Hour), Location: riyadh, Series: productSeries(48)[:3]})
	both("bars", Spec{Kind: Bars, Title: "Revenue by store", Labels: []string{"Riyadh", "Jeddah", "Dammam"}, ColorBy: []int{0, 1, 2},
		Notes: []string{"Central", "Western", "Eastern"}, Series: []Series{{Name: "Revenue", Values: []float64{4_379_381, 3_109_492, 1_619_066}}},
		FormatY: sar, AxisY: sarCompact})
	both("bars_grouped", Spec{Kind: Bars, Title: "Revenue by store and month", Labels: []string{"Riyadh", "Jeddah", "Dammam"},
		Series: []Series{{Name: "October", Color: 0, Values: []float64{4.1, 3.3, 1.5}}, {Name: "November", Color: 1, Values: []float64{4.4, 3.1, 1.6}}}})
	both("bars_products", Spec{Kind: Bars, Title: "Revenue by product", Labels: products, Series: []Series{{Values: top}}, AxisY: Compact})
	both("hbar", Spec{Kind: HBar, Title: "Top products", Labels: []string{"Smartphone X", "Laptop Pro 14", "Tablet 11", "Smart Watch", "Headphones NC", "Charger 65W"},
		Series: []Series{{Name: "Revenue", Values: top}}, FormatY: sar, AxisY: sarCompact})
	both("donut", Spec{Kind: Donut, Title: "Revenue by category", Labels: []string{"Computers", "Phones", "Wearables", "Audio", "Accessories"},
		Series: []Series{{Values: []float64{3_920_000, 2_860_000, 1_160_000, 943_000, 232_000}}}, FormatY: sar, Center: "9.11M", CenterNote: "SAR gross"})
	both("pie", Spec{Kind: Pie, Title: "Refunds by reason", Labels: []string{"Changed mind", "Defective", "Late", "Wrong item"},
		Series: []Series{{Values: []float64{57, 46, 41, 16}}}})
	both("scatter", Spec{Kind: Scatter, Title: "Customer clusters", Xs: xs, Ys: ys, Groups: groups, Series: segments,
		FormatX: days, AxisX: daysShort, FormatY: sar, AxisY: Compact, NameX: "Recency", NameY: "Spend (SAR)"})
	add("spark", Spec{Kind: Spark, Title: "Gross revenue", Series: []Series{{Values: noise(30, 90_000, 5)}}})

	add("area_one_window", Spec{Kind: Area, Title: "One window", Times: minutes(1, time.Minute), Series: productSeries(1)})
	add("area_gaps", Spec{Kind: Area, Title: "Gaps", Times: minutes(6, time.Minute), Series: []Series{
		{Name: "a", Color: 0, Values: []float64{1, 2, nan, nan, 3, nan}}, {Name: "b", Color: 1, Values: []float64{2, nan, nan, 1, 2, nan}}}})
	add("area_negative", Spec{Kind: Area, Title: "Net by product", Times: minutes(8, time.Hour), Series: []Series{
		{Name: "sales", Color: 0, Values: []float64{5, 6, 7, 8, 6, 5, 4, 6}}, {Name: "refunds", Color: 1, Values: []float64{-1, -2, 0, -4, -1, 2, -1, -9}}}})
	add("area_zero", Spec{Kind: Area, Title: "All zero", Times: minutes(5, time.Minute), Series: []Series{{Name: "none", Values: make([]float64, 5)}}})
	add("area_twelve_series", Spec{Kind: Area, Title: "Twelve products", Times: minutes(40, 15*time.Minute), Series: append(productSeries(40), renamed(productSeries(40))...)})
	add("area_hostile", Spec{Kind: Area, Title: hostile, Desc: hostile, Times: minutes(3, time.Minute), FormatY: func(v float64) string { return hostile }, AxisY: func(float64) string { return hostile },
		Series: []Series{{Name: hostile, Values: []float64{1, 2, 3}}, {Name: arabicName, Values: []float64{1, 2, 3}}}})
	add("line_one_point", Spec{Kind: Line, Title: "One point", Times: minutes(1, time.Minute), Series: []Series{{Name: "x", Values: []float64{42}}}})
	add("line_equal", Spec{Kind: Line, Title: "All equal", Times: minutes(30, time.Minute), Series: []Series{{Name: "x", Values: same(30, 42)}}})
	add("line_gaps", Spec{Kind: Line, Title: "Gaps", Times: minutes(8, time.Minute), Series: []Series{{Name: "x", Values: []float64{3, 4, nan, 5, nan, math.Inf(1), 7, 6}}}})
	add("line_negative", Spec{Kind: Line, Title: "Below zero", Times: minutes(20, 24*time.Hour), Series: []Series{{Name: "x", Values: shifted(noise(20, 50, 2), -60)}}})
	add("line_far_from_zero", Spec{Kind: Line, Title: "Far from zero", Times: minutes(20, time.Minute), Series: []Series{{Name: "x", Values: shifted(noise(20, 5, 2), 1000)}}})
	add("line_fifty_series", Spec{Kind: Line, Title: "Fifty lines", Times: minutes(20, time.Minute), Series: manySeries(50, 20)})
	both("line_10000_points", Spec{Kind: Line, Title: "Ten thousand", Times: minutes(10_000, time.Minute), Series: []Series{{Name: "x", Values: noise(10_000, 50, 2)}}, Flags: flagAt(10_000, 5_001)})
	both("timebars_10000_windows", Spec{Kind: TimeBars, Title: "Ten thousand", Times: minutes(10_000, time.Minute), Series: []Series{{Name: "x", Values: noise(10_000, 50, 2)}}, Location: riyadh})
	add("timebars_few", Spec{Kind: TimeBars, Title: "By day", Times: minutes(7, 24*time.Hour), Series: []Series{{Name: "x", Values: noise(7, 5000, 2)}}})
	add("timebars_negative", Spec{Kind: TimeBars, Title: "Change", Times: minutes(30, time.Minute), Series: []Series{{Name: "x", Values: shifted(noise(30, 50, 2), -45)}}, Flags: flagAt(30, 4, 20)})
	add("timebars_one", Spec{Kind: TimeBars, Title: "One window", Times: minutes(1, time.Minute), Series: []Series{{Name: "x", Values: []float64{7}}}})
	add("bars_one", Spec{Kind: Bars, Title: "One bar", Labels: []string{"Riyadh"}, Series: []Series{{Values: []float64{7}}}})
	add("bars_equal", Spec{Kind: Bars, Title: "Equal bars", Labels: []string{"a", "b", "c"}, Series: []Series{{Values: same(3, 4)}}})
	add("bars_zero", Spec{Kind: Bars, Title: "All zero", Labels: []string{"a", "b", "c"}, Series: []Series{{Values: same(3, 0)}}})
	add("bars_negative", Spec{Kind: Bars, Title: "Net", Labels: []string{"a", "b", "c", "d"}, Series: []Series{{Values: []float64{4, -3, nan, -5}}}})
	add("bars_10000_labels", Spec{Kind: Bars, Title: "Ten thousand", Labels: named6(10_000), Series: []Series{{Values: noise(10_000, 50, 1)}}})
	both("bars_names", Spec{Kind: Bars, Title: "Names", Labels: []string{longName, arabicName, hostile, "", "日本語の長い商品名です"}, Notes: []string{hostile, arabicName, "", "", ""}, Series: []Series{{Values: noise(5, 50, 1)}}})
	both("hbar_names", Spec{Kind: HBar, Title: "Names", Labels: []string{longName, arabicName, hostile, "", "日本語の長い商品名です"}, Notes: []string{hostile, arabicName, "", "", ""}, Series: []Series{{Values: noise(5, 50, 1)}}})
	add("hbar_negative", Spec{Kind: HBar, Title: "Change", Labels: []string{"a", "b", "c"}, Series: []Series{{Values: []float64{400_000, -300_000, -50_000}}}, AxisY: sar})
	add("hbar_one", Spec{Kind: HBar, Title: "One bar", Labels: []string{"Riyadh"}, Series: []Series{{Values: []float64{7}}}})
	add("hbar_10000_labels", Spec{Kind: HBar, Title: "Ten thousand", Labels: named6(10_000), Series: []Series{{Values: noise(10_000, 50, 1)}}})
	add("donut_one_slice", Spec{Kind: Donut, Title: "One slice", Labels: []string{"All"}, Series: []Series{{Values: []float64{3}}}, Center: "3"})
	add("donut_zero", Spec{Kind: Donut, Title: "All zero", Labels: []string{"a", "b"}, Series: []Series{{Values: []float64{0, 0}}}, Center: "0", CenterNote: "refunds"})
	add("donut_thin_slices", Spec{Kind: Donut, Title: "Thin", Labels: []string{"a", "b", "c", "d"}, Series: []Series{{Values: []float64{1e9, 1, 0, 1e-9}}}, Center: "1,000,000,001 of them"})
	add("donut_nine", Spec{Kind: Donut, Title: "Nine", Labels: named6(9), Series: []Series{{Values: []float64{9, 8, 7, 6, 5, 4, 3, 2, 1}}}})
	add("pie_one_slice", Spec{Kind: Pie, Title: "One slice", Labels: []string{hostile}, Series: []Series{{Values: []float64{3}}}})
	add("scatter_one", Spec{Kind: Scatter, Title: "One point", Xs: []float64{3}, Ys: []float64{4}})
	add("scatter_equal", Spec{Kind: Scatter, Title: "Same place", Xs: same(9, 3), Ys: same(9, -4)})
	add("scatter_gaps", Spec{Kind: Scatter, Title: "Gaps", Xs: []float64{1, nan, 3}, Ys: []float64{1, 2, math.Inf(-1)}, Labels: []string{hostile, "", ""}})
	add("scatter_nine_groups", Spec{Kind: Scatter, Title: "Nine groups", Xs: noise(90, 10, 1), Ys: noise(90, 10, 2), Groups: ninths(90), Series: manySeries(9, 0)})
	x2, y2, g2 := clusters(10_000)
	both("scatter_10000_points", Spec{Kind: Scatter, Title: "Ten thousand", Xs: x2, Ys: y2, Groups: g2, Series: segments, FormatX: days, NameX: "Recency", NameY: "Spend"})
	add("spark_one", Spec{Kind: Spark, Series: []Series{{Values: []float64{4}}}})
	add("spark_equal", Spec{Kind: Spark, Series: []Series{{Values: same(9, 4)}}})
	add("spark_gaps", Spec{Kind: Spark, Series: []Series{{Values: []float64{1, nan, 3, nan, nan, 2, 4}}}})
	add("spark_10000_points", Spec{Kind: Spark, Series: []Series{{Values: noise(10_000, 5, 2)}}})

	newSamples(both, add, empty)
	for _, k := range Kinds() {
		empty("empty_"+string(k), Spec{Kind: k, ID: "none"})
	}
	empty("gaps_only_area", Spec{Kind: Area, Times: minutes(3, time.Minute), Series: []Series{{Values: same(3, nan)}}})
	empty("gaps_only_bars", Spec{Kind: Bars, Labels: []string{"a"}, Series: []Series{{Values: []float64{nan}}}})
	empty("gaps_only_donut", Spec{Kind: Donut, Labels: []string{"a"}, Series: []Series{{Values: []float64{nan}}}})
	empty("gaps_only_scatter", Spec{Kind: Scatter, Xs: []float64{nan}, Ys: []float64{1}})
	empty("gaps_only_spark", Spec{Kind: Spark, Series: []Series{{Values: []float64{nan}}}})
	return out
}

func same(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func shifted(v []float64, by float64) []float64 {
	for i := range v {
		v[i] += by
	}
	return v
}

func renamed(in []Series) []Series {
	for i := range in {
		in[i].Name = strings.ToUpper(in[i].Name)
		in[i].Values = shifted(in[i].Values, 1)
	}
	return in
}

func manySeries(n, values int) []Series {
	out := make([]Series, n)
	for i := range out {
		out[i] = Series{Name: "Series " + strconv.Itoa(i+1), Values: noise(values, float64(10+i), uint64(i))}
	}
	return out
}

func ninths(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = min(i*i/700, 8)
	}
	return out
}
