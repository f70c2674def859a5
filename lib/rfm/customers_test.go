package rfm

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAggregate(t *testing.T) {
	t.Parallel()
	lines := Lines{
		Customer: []int64{2, -7, 2, -7, -7, 1, 2, 3, 3},
		Order:    []int64{7, 1, 7, 2, 2, 9, 8, 4, 4},
		Time:     []int64{50, 10, 51, 30, 30, 99, 40, 60, 70},
		Amount:   []int64{100, 5, 200, 7, 8, -3, 0, 50, -20},
	}
	// Customer 1 only gave something back and is no customer. Customer 2's free line is a purchase. What customer 3 gave back
	// is no purchase, and lowers what he spent when net is asked for.
	for _, tt := range []struct {
		name string
		o    Options
		want Customers
	}{
		{"rows", Options{}, Customers{ID: []int64{-7, 2, 3}, Last: []int64{30, 51, 60}, Frequency: []int64{3, 3, 1}, Monetary: []int64{20, 300, 50}}},
		{"net_rows", Options{Net: true}, Customers{ID: []int64{-7, 2, 3}, Last: []int64{30, 51, 60}, Frequency: []int64{3, 3, 1}, Monetary: []int64{20, 300, 30}}},
		{"orders", Options{Frequency: Orders}, Customers{ID: []int64{-7, 2, 3}, Last: []int64{30, 51, 60}, Frequency: []int64{2, 2, 1}, Monetary: []int64{20, 300, 50}}},
		{"net_orders", Options{Frequency: Orders, Net: true}, Customers{ID: []int64{-7, 2, 3}, Last: []int64{30, 51, 60}, Frequency: []int64{2, 2, 1}, Monetary: []int64{20, 300, 30}}},
	} {
		got, err := Aggregate(lines, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAggregateOfNothing(t *testing.T) {
	t.Parallel()
	for _, l := range []Lines{{}, {Customer: []int64{1}, Time: []int64{5}, Amount: []int64{-5}}} {
		r, err := Compute(l, 100, Options{Net: true})
		if err != nil || r.Len() != 0 || len(r.R) != 0 || r.Differ != 0 {
			t.Errorf("%d customers, %v", r.Len(), err)
		}
	}
}

// plain adds lines up as one would by hand.
func plain(l Lines, o Options) Customers {
	type total struct {
		last, rows, cents int64
		orders            map[int64]bool
	}
	totals := map[int64]*total{}
	for i, who := range l.Customer {
		if l.Amount[i] < 0 && !o.Net {
			continue
		}
		c := totals[who]
		if c == nil {
			c = &total{last: math.MinInt64, orders: map[int64]bool{}}
			totals[who] = c
		}
		c.cents += l.Amount[i]
		if l.Amount[i] >= 0 {
			c.last = max(c.last, l.Time[i])
			c.rows++
			c.orders[l.Order[i]] = true
		}
	}
	var c Customers
	for _, who := range slices.Sorted(maps.Keys(totals)) {
		v := totals[who]
		if v.rows == 0 {
			continue
		}
		if o.Frequency == Orders {
			v.rows = int64(len(v.orders))
		}
		c.ID, c.Last = append(c.ID, who), append(c.Last, v.last)
		c.Frequency, c.Monetary = append(c.Frequency, v.rows), append(c.Monetary, v.cents)
	}
	return c
}

// same compares without the cost of a diff.
func same(a, b Customers) bool {
	return slices.Equal(a.ID, b.ID) && slices.Equal(a.Last, b.Last) && slices.Equal(a.Frequency, b.Frequency) && slices.Equal(a.Monetary, b.Monetary)
}

// randomLines are n lines in order of their order, or shuffled.
func randomLines(rng *rand.Rand, n, customers int, spread int64, shuffled bool) Lines {
	l := Lines{Customer: make([]int64, n), Order: make([]int64, n), Time: make([]int64, n), Amount: make([]int64, n)}
	var who, order int64
	for i := range n {
		if i == 0 || rng.IntN(4) == 0 {
			who, order = (rng.Int64N(int64(customers))-int64(customers/3))*spread, rng.Int64N(int64(n/4+1))
		}
		l.Customer[i], l.Order[i] = who, order
		l.Time[i], l.Amount[i] = rng.Int64N(1e15), rng.Int64N(10_000)-1000
	}
	if shuffled {
		rng.Shuffle(n, func(i, j int) {
			for _, column := range [][]int64{l.Customer, l.Order, l.Time, l.Amount} {
				column[i], column[j] = column[j], column[i]
			}
		})
	}
	return l
}

// However lines are ordered and split among workers, a plain map gives the same.
func TestAggregateEqualsAPlainSum(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		n, customers int
		spread       int64
	}{{1, 1, 1}, {500, 40, 1}, {20_000, 1, 1}, {20_000, 4_000, 1 << 45}} {
		for _, shuffled := range []bool{false, true} {
			l := randomLines(rng, tt.n, tt.customers, tt.spread, shuffled)
			for _, o := range []Options{{}, {Net: true}, {Frequency: Orders}, {Frequency: Orders, Net: true}} {
				want := plain(l, o)
				for _, workers := range []int{1, 2} {
					o.Workers = workers
					got, err := Aggregate(l, o)
					if err != nil {
						t.Fatal(err)
					}
					if !same(want, got) {
						t.Fatalf("%+v, shuffled %t, %+v (-plain +ours):\n%s", tt, shuffled, o, cmp.Diff(want, got))
					}
				}
			}
		}
	}
}

func TestAggregateRefuses(t *testing.T) {
	t.Parallel()
	one := Lines{Customer: []int64{0}, Time: []int64{1}, Amount: []int64{1}}
	for name, tt := range map[string]struct {
		l    Lines
		o    Options
		want string
	}{
		"lengths_differ":       {Lines{Customer: []int64{0}, Time: []int64{1, 2}, Amount: []int64{1}}, Options{}, "1 customers, 0 orders, 2 times, 1 amounts"},
		"orders_without_them":  {one, Options{Frequency: Orders}, "0 orders"},
		"unknown_frequency":    {one, Options{Frequency: "visits"}, `frequency is "visits"`},
		"unknown_ties":         {one, Options{Ties: "fair"}, `ties is "fair"`},
		"purchase_after_as_of": {Lines{Customer: []int64{8}, Time: []int64{100}, Amount: []int64{1}}, Options{}, "customer 8 bought at or after"},
		"too_much_money": {
			Lines{Customer: []int64{1, 5, 5}, Time: []int64{1, 1, 1}, Amount: []int64{math.MaxInt64, math.MaxInt64, 1}}, Options{}, "the amounts of customer 5 add up past",
		},
	} {
		if _, err := Compute(tt.l, 100, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
	// What is too much on the way and not in the end is none of our business.
	got, err := Aggregate(Lines{Customer: []int64{5, 5, 5}, Time: []int64{1, 1, 1}, Amount: []int64{math.MaxInt64, 5, -9}}, Options{Net: true})
	if err != nil || got.Monetary[0] != math.MaxInt64-4 {
		t.Errorf("%v, %v", got, err)
	}
}

// onlineRetail are the 4,338 customers of the year 2010-12 to 2011-12, ascending by id; money in thousandths.
func onlineRetail(t *testing.T) Customers {
	t.Helper()
	f, err := os.Open("testdata/online_retail_customers.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(z)
	scan.Scan()
	var c Customers
	for scan.Scan() {
		var id, frequency, monetary int64
		var last string
		line := []byte(scan.Text())
		for i := range line {
			if line[i] == ',' {
				line[i] = ' '
			}
		}
		if _, err := fmt.Sscan(string(line), &id, &last, &frequency, &monetary); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02T15:04Z", last)
		if err != nil {
			t.Fatal(err)
		}
		c.ID = append(c.ID, id)
		c.Last, c.Frequency, c.Monetary = append(c.Last, at.UnixMicro()), append(c.Frequency, frequency), append(c.Monetary, monetary)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func sum(values []int64) (total int64) {
	for _, v := range values {
		total += v
	}
	return total
}

// The figures were computed with pandas and, for the ten labels the seven are merged from, stand in many public notebooks.
func TestOnlineRetailEqualsPandas(t *testing.T) {
	t.Parallel()
	c := onlineRetail(t)
	recency := c.RecencyDays(time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC).UnixMicro())
	if c.Len() != 4338 || sum(recency) != 399_354 || sum(c.Frequency) != 18_532 || sum(c.Monetary) != 8_911_407_904 {
		t.Fatalf("%d customers, recency %d, frequency %d, monetary %d", c.Len(), sum(recency), sum(c.Frequency), sum(c.Monetary))
	}
	days, money := Edges(recency, 5), Edges(c.Monetary, 5)
	for i, want := range [6][2]float64{{0, 3.75}, {12.8, 250.194}, {32, 490.096}, {71, 942.276}, {179, 2058.426}, {373, 280206.02}} {
		if math.Abs(days[i]-want[0]) > 1e-9 || math.Abs(money[i]/1000-want[1]) > 1e-9 {
			t.Errorf("edge %d: recency %v, monetary %v, want %v", i, days[i], money[i]/1000, want)
		}
	}
	byRank := Score(recency, c.Frequency, c.Monetary, First)
	byValue := Score(recency, c.Frequency, c.Monetary, Value)
	for _, tt := range []struct {
		name string
		got  []uint8
		want []int
	}{
		{"R by value", byValue.R, []int{861, 866, 863, 880, 868}},
		{"F by rank", byRank.F, []int{868, 867, 868, 867, 868}},
		{"M by value", byValue.M, []int{868, 867, 868, 867, 868}},
	} {
		sizes := make([]int, 5)
		for _, score := range tt.got {
			sizes[score-1]++
		}
		if diff := cmp.Diff(tt.want, sizes); diff != "" {
			t.Errorf("%s, customers by score (-want +got):\n%s", tt.name, diff)
		}
	}
	for _, tt := range []struct {
		name string
		r    []uint8
		want []int
	}{
		{"R by value, F by rank", byValue.R, []int{1071, 819, 656, 633, 539, 484, 136}},
		{"all by rank", byRank.R, []int{1072, 812, 663, 633, 541, 481, 136}},
	} {
		count := map[string]int{}
		for i := range tt.r {
			count[Default.Segment(tt.r[i], byRank.F[i])]++
		}
		var got []int
		for _, name := range []string{"Hibernating", "Loyal Customers", "At Risk", "Champions", "Need Attention", "Potential Loyalists", "New Customers"} {
			got = append(got, count[name])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s, customers by segment (-want +got):\n%s", tt.name, diff)
		}
	}
	if n := Differ(byRank, byValue); n == 0 || n > c.Len() {
		t.Errorf("%d customers differ between ties first and value", n)
	}
}

// All lines in one part, of one customer: as slow as any, and as exact.
func TestManyLinesOfOneCustomer(t *testing.T) {
	t.Parallel()
	const n = 400_000
	var l Lines
	for i := range int64(n) {
		l.Customer, l.Order, l.Time, l.Amount = append(l.Customer, 7), append(l.Order, i*7919%(n/4)), append(l.Time, i%1000), append(l.Amount, i)
	}
	for frequency, want := range map[Frequency]int64{Rows: n, Orders: n / 4} {
		for _, workers := range []int{1, 3} {
			got, err := Aggregate(l, Options{Frequency: frequency, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			want := Customers{ID: []int64{7}, Last: []int64{999}, Frequency: []int64{want}, Monetary: []int64{n * (n - 1) / 2}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d workers (-want +got):\n%s", frequency, workers, diff)
			}
		}
	}
}
