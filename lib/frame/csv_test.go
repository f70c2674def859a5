package frame

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadCSV(t *testing.T) {
	t.Parallel()
	noon := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		in    string
		types map[string]Kind
		want  Frame
	}{
		"codes_stay_text": {
			in: "id,name\n0012,Mouse\nNaN,NA\n1e3,true\n",
			want: Frame{Lines: []int{2, 3, 4}, Columns: []Column{
				{Name: "id", Strings: []string{"0012", "NaN", "1e3"}},
				{Name: "name", Strings: []string{"Mouse", "NA", "true"}},
			}},
		},
		"every_kind_with_gaps": {
			in:    "s,i,f,b,t\n,,,,\na,-7,1.5,true,2025-01-01 12:00:00\n",
			types: map[string]Kind{"i": Int, "f": Float, "b": Bool, "t": Time},
			want: Frame{Lines: []int{2, 3}, Columns: []Column{
				{Name: "s", Strings: []string{"", "a"}},
				{Name: "i", Kind: Int, Ints: []int64{0, -7}, Null: []bool{true, false}},
				{Name: "f", Kind: Float, Floats: []float64{math.NaN(), 1.5}, Null: []bool{true, false}},
				{Name: "b", Kind: Bool, Bools: []bool{false, true}, Null: []bool{true, false}},
				{Name: "t", Kind: Time, Times: []time.Time{{}, noon}, Null: []bool{true, false}},
			}},
		},
		"header_only":          {in: "a,b\n", types: map[string]Kind{"b": Int}, want: Frame{Columns: []Column{{Name: "a"}, {Name: "b", Kind: Int}}}},
		"byte_order_mark":      {in: "\ufeffa\nx\n", want: Frame{Lines: []int{2}, Columns: []Column{{Name: "a", Strings: []string{"x"}}}}},
		"carriage_returns":     {in: "a,b\r\nx,y\r\n", want: Frame{Lines: []int{2}, Columns: []Column{{Name: "a", Strings: []string{"x"}}, {Name: "b", Strings: []string{"y"}}}}},
		"lines_of_quoted_text": {in: "a\n\"two\nlines\"\n\nz\n", want: Frame{Lines: []int{2, 5}, Columns: []Column{{Name: "a", Strings: []string{"two\nlines", "z"}}}}},
		"time_with_zone_is_utc": {
			in: "t\n2025-01-01T15:00:00+03:00\n", types: map[string]Kind{"t": Time},
			want: Frame{Lines: []int{2}, Columns: []Column{{Name: "t", Kind: Time, Times: []time.Time{noon}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadCSV(strings.NewReader(tt.in), tt.types)
			if err != nil {
				t.Fatal(err)
			}
			nans := cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })
			if diff := cmp.Diff(&tt.want, got, nans); diff != "" {
				t.Errorf("frame differs (-want +got):\n%s", diff)
			}
			if err := got.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadCSVErrors(t *testing.T) {
	t.Parallel()
	types := map[string]Kind{"n": Int}
	tests := map[string]struct {
		in, want string
	}{
		"empty_file":          {"", "empty: the first line must name the columns"},
		"bad_number":          {"n\n1\n\nabc\n", `line 4: n: "abc" is not a whole number`},
		"number_with_decimal": {"n\n1.5\n", `line 2: n: "1.5" is not a whole number`},
		"not_a_number_word":   {"n\nNaN\n", `line 2: n: "NaN" is not a whole number`},
		"too_many_cells":      {"n\n1\n1,2\n", "line 3: 2 cells where the header has 1"},
		"stray_quote":         {"n\n1\"2\n", `line 2: column 2: bare " in non-quoted-field`},
		"column_twice":        {"n,n\n1,2\n", `line 1: two columns are called "n"`},
		"column_without_name": {"n,\n1,2\n", "line 1: column 2 has no name"},
		"column_missing":      {"m\n1\n", `line 1: column "n" is missing`},
		"too_many_rows":       {"n\n" + strings.Repeat("1\n", MaxRows+1), "more than 10000 rows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadCSV(strings.NewReader(tt.in), types)
			var e *Error
			if !errors.As(err, &e) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// The largest frame must still be read: the limit is a limit, not one less.
func TestReadCSVTakesMaxRows(t *testing.T) {
	t.Parallel()
	f, err := ReadCSV(strings.NewReader("n\n"+strings.Repeat("1\n", MaxRows)), map[string]Kind{"n": Int})
	if err != nil || f.Rows() != MaxRows {
		t.Fatalf("%d rows, %v", f.Rows(), err)
	}
}

// Whatever a file holds, it is read cell for cell or refused; it never panics, and text never changes.
func FuzzReadCSV(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("\ufeffa\nNaN\n")
	f.Add("a\n\"x\n\ny\"\n")
	f.Add("X0,\n,\n")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := ReadCSV(strings.NewReader(in), nil)
		if err != nil {
			return
		}
		if err := got.Check(); err != nil {
			t.Fatal(err)
		}
		records, _, err := split(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Columns {
			for row := range got.Rows() {
				if got.Columns[i].Text(row) != records[row+1][i] {
					t.Fatalf("row %d: %q became %q", row, records[row+1][i], got.Columns[i].Text(row))
				}
			}
		}
	})
}

func ExampleReadCSV() {
	file := "store,opened,sqft\nRUH-01,2019-03-01,5200\nJED-01,,4100\n"
	f, err := ReadCSV(strings.NewReader(file), map[string]Kind{"opened": Time, "sqft": Int})
	if err != nil {
		fmt.Println(err)
		return
	}
	opened := f.Column("opened")
	for i := range f.Rows() {
		fmt.Printf("line %d: %s opened=%q null=%t sqft=%v\n", f.Lines[i], f.Columns[0].Text(i), opened.Text(i), opened.IsNull(i), f.Column("sqft").Float(i))
	}
	_, err = ReadCSV(strings.NewReader("store,sqft\nRUH-01,large\n"), map[string]Kind{"sqft": Int})
	fmt.Println(err)
	// Output:
	// line 2: RUH-01 opened="2019-03-01 00:00:00" null=false sqft=5200
	// line 3: JED-01 opened="" null=true sqft=4100
	// line 2: sqft: "large" is not a whole number
}
