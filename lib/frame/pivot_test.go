package frame

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPivot(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2025, 1, 1, 12, minute, 0, 0, time.UTC) }
	long := Frame{Columns: []Column{
		{Name: "window", Kind: Time, Times: []time.Time{at(2), at(1), at(2), at(1), {}}, Null: []bool{false, false, false, false, true}},
		{Name: "product", Strings: []string{"mouse", "laptop", "", "mouse", "mouse"}},
		{Name: "revenue", Kind: Int, Ints: []int64{1, 2, 3, 0, 5}, Null: []bool{false, false, false, true, false}},
	}}
	got, err := long.Pivot("window", "product", "revenue")
	if err != nil {
		t.Fatal(err)
	}
	want := &Frame{Columns: []Column{
		{Name: "window", Kind: Time, Times: []time.Time{at(2), at(1)}, Null: []bool{false, false}},
		{Name: "mouse", Kind: Float, Floats: []float64{1, 0}, Null: []bool{false, true}},
		{Name: "laptop", Kind: Float, Floats: []float64{0, 2}, Null: []bool{true, false}},
		{Name: "(none)", Kind: Float, Floats: []float64{3, 0}, Null: []bool{false, true}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pivot differs (-want +got):\n%s", diff)
	}
}

func TestPivotErrors(t *testing.T) {
	t.Parallel()
	f := Frame{Columns: []Column{{Name: "x", Kind: Int, Ints: []int64{1, 1}}, {Name: "k", Strings: []string{"a", "a"}}, {Name: "v", Kind: Int, Ints: []int64{1, 2}}}}
	for value, want := range map[string]string{
		"v": `pivot: two rows for x "1" and k "a": group by both in the query`,
		"w": `pivot: no column "w"`,
	} {
		if _, err := f.Pivot("x", "k", value); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A series may be called like the x column; both must keep a name of their own.
func TestPivotKeyNamedLikeX(t *testing.T) {
	t.Parallel()
	f := Frame{Columns: []Column{{Name: "x", Kind: Bool, Bools: []bool{true}}, {Name: "k", Strings: []string{"x"}}, {Name: "v", Kind: Float, Floats: []float64{1}}}}
	got, err := f.Pivot("x", "k", "v")
	if err != nil || !cmp.Equal(got.Names(), []string{"x", "x'"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestColumnValues(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 1, 1, 15, 0, 0, 500_000_000, time.FixedZone("AST", 3*3600))
	tests := map[string]struct {
		column Column
		text   string
		number float64
	}{
		"string":            {Column{Strings: []string{"x"}}, "x", math.NaN()},
		"string_of_a_digit": {Column{Strings: []string{"7.5"}}, "7.5", 7.5},
		"int":               {Column{Kind: Int, Ints: []int64{-3}}, "-3", -3},
		"float":             {Column{Kind: Float, Floats: []float64{1234567.25}}, "1234567.25", 1234567.25},
		"bool":              {Column{Kind: Bool, Bools: []bool{true}}, "true", 1},
		"time":              {Column{Kind: Time, Times: []time.Time{at}}, "2025-01-01 12:00:00.5", 1735732800.5},
		"null":              {Column{Kind: Int, Ints: []int64{3}, Null: []bool{true}}, "", math.NaN()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.column.Text(0); got != tt.text {
				t.Errorf("Text = %q, want %q", got, tt.text)
			}
			if got := tt.column.Float(0); got != tt.number && (got == got || tt.number == tt.number) {
				t.Errorf("Float = %v, want %v", got, tt.number)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		frame Frame
		want  string
	}{
		"no_name":       {Frame{Columns: []Column{{}}}, "column 1 has no name"},
		"same_name":     {Frame{Columns: []Column{{Name: "a"}, {Name: "a"}}}, `two columns are called "a"`},
		"lengths":       {Frame{Columns: []Column{{Name: "a"}, {Name: "b", Kind: Int, Ints: []int64{1}}}}, `column "b" has 1 rows, "a" has 0`},
		"null_lengths":  {Frame{Columns: []Column{{Name: "a", Strings: []string{"x"}, Null: []bool{}}}}, `column "a" has 1 rows but marks 0 as null or not`},
		"lines_lengths": {Frame{Columns: []Column{{Name: "a", Strings: []string{"x"}}}, Lines: []int{}}, "1 rows but lines for 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tt.frame.Check(); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func ExampleFrame_Pivot() {
	file := "minute,product,revenue\n12:01,LAPTOP-001,4599.00\n12:01,MOUSE-001,258\n12:02,MOUSE-001,129\n"
	f, err := ReadCSV(strings.NewReader(file), map[string]Kind{"revenue": Float})
	if err != nil {
		fmt.Println(err)
		return
	}
	wide, err := f.Pivot("minute", "product", "revenue")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(wide.Names())
	for i := range wide.Rows() {
		fmt.Printf("%q %q %q\n", wide.Columns[0].Text(i), wide.Columns[1].Text(i), wide.Columns[2].Text(i))
	}
	// Output:
	// [minute LAPTOP-001 MOUSE-001]
	// "12:01" "4599" "258"
	// "12:02" "" "129"
}
