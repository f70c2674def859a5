package rfm

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAggregate(t *testing.T) {
	t.Parallel()
	lines := Lines{
		Customer: []int32{2, 0, 2, 0, 0, 1, 2},
		Order:    []int64{7, 1, 7, 2, 2, 9, 8},
		Time:     []int64{50, 10, 51, 30, 30, 99, 40},
		Amount:   []int64{100, 5, 200, 7, 8, -3, 0},
	}
	for _, tt := range []struct {
		frequency Frequency
		want      Customers
	}{
		// Customer 1 only gave something back: no purchase, and less money. Customer 2's free line is a purchase.
		{Rows, Customers{Last: []int64{30, 0, 51}, Frequency: []int64{3, 0, 3}, Monetary: []int64{20, -3, 300}}},
		{Orders, Customers{Last: []int64{30, 0, 51}, Frequency: []int64{2, 0, 2}, Monetary: []int64{20, -3, 300}}},
	} {
		got, err := Aggregate(lines, 3, tt.frequency)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.frequency, diff)
		}
		buyers, kept := got.Buyers()
		if !slices.Equal(kept, []int32{0, 2}) || buyers.Len() != 2 || buyers.Monetary[1] != 300 {
			t.Errorf("%s: buyers %v %v", tt.frequency, kept, buyers)
		}
	}
}

func TestAggregateIgnoresRowOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	const n, customers = 2000, 40
	lines := Lines{Customer: make([]int32, n), Order: make([]int64, n), Time: make([]int64, n), Amount: make([]int64, n)}
	for i := range n {
		lines.Customer[i], lines.Order[i] = rng.Int32N(customers), rng.Int64N(300)
		lines.Time[i], lines.Amount[i] = rng.Int64N(1e12), rng.Int64N(10_000)-1000
	}
	want, err := Aggregate(lines, customers, Orders)
	if err != nil {
		t.Fatal(err)
	}
	rng.Shuffle(n, func(i, j int) {
		lines.Customer[i], lines.Customer[j] = lines.Customer[j], lines.Customer[i]
		lines.Order[i], lines.Order[j] = lines.Order[j], lines.Order[i]
		lines.Time[i], lines.Time[j] = lines.Time[j], lines.Time[i]
		lines.Amount[i], lines.Amount[j] = lines.Amount[j], lines.Amount[i]
	})
	got, err := Aggregate(lines, customers, Orders)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-in order +shuffled):\n%s", diff)
	}
}

func TestAggregateRefuses(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]Lines{
		"customer_too_high": {Customer: []int32{3}, Time: []int64{1}, Amount: []int64{1}},
		"customer_below_0":  {Customer: []int32{-1}, Time: []int64{1}, Amount: []int64{1}},
		"lengths_differ":    {Customer: []int32{0}, Time: []int64{1, 2}, Amount: []int64{1}},
	} {
		if _, err := Aggregate(lines, 3, Rows); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Aggregate(Lines{Customer: []int32{0}, Time: []int64{1}, Amount: []int64{1}}, 1, Orders); err == nil {
		t.Error("orders without a column of orders: no error")
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
