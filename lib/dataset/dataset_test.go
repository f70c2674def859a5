package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/dataset"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
	"tillflow/sql"
)

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.sql"), []byte("select 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		option string
		want   dataset.Query
	}{
		{"", dataset.Query{Text: sql.Query("segments_input"), Origin: "sql/queries/segments_input.sql"}},
		{"select 1 as a\n", dataset.Query{Text: "select 1 as a", Origin: "the dagfile's query"}},
		{"mine.sql", dataset.Query{Text: "select 1", Origin: "mine.sql"}},
		{filepath.Join(dir, "mine.sql"), dataset.Query{Text: "select 1", Origin: filepath.Join(dir, "mine.sql")}},
	} {
		got, err := dataset.Find(tt.option, dir, "segments_input")
		if err != nil {
			t.Errorf("%q: %v", tt.option, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.option, diff)
		}
	}
	if _, err := dataset.Find("missing.sql", dir, "segments_input"); err == nil {
		t.Error("a file that is not there: no error")
	}
}

func TestReadChoosesTheShape(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, tt := range []struct {
		name, text string
		shape      int
		basket     []string
		number     []int64
		item       []string
		minor      []int64
	}{
		{"first", "select 'b' as basket, 'x' as item", 0, []string{"b"}, nil, []string{"x"}, nil},
		{"in_another_order", "select 'x' as item, 'b' as basket", 0, []string{"b"}, nil, []string{"x"}, nil},
		{"number_for_text", "select 7 as basket, 'x' as item", 0, nil, []int64{7}, []string{"x"}, nil},
		{"second", "select 'x' as item, 1.25::numeric as amount where $1 > 3", 1, nil, nil, []string{"x"}, []int64{125}},
	} {
		var basket, item []string
		var number, minor []int64
		shape, err := dataset.Query{Text: tt.text, Origin: "q.sql"}.Read(t.Context(), conn, []any{5},
			dataset.Shape{"basket": dataset.Either(pg.Int64s(&number), pg.Strings(&basket)), "item": pg.Strings(&item)},
			dataset.Shape{"item": pg.Strings(&item), "amount": pg.Minor(&minor, 2)})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := []any{shape, basket, number, item, minor}
		if diff := cmp.Diff([]any{tt.shape, tt.basket, tt.number, tt.item, tt.minor}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, tt := range []struct{ name, text, want string }{
		{"other_columns", "select 1 as a, 2 as b", "q.sql gives the columns (a, b), wanted are (basket, item) or (amount, item)"},
		{"a_column_twice", "select 'x' as item, 'y' as item", "gives the columns (item, item)"},
		{"another_type", "select 'b' as basket, 1.5 as item", "q.sql: column 2 (item) is numeric, wanted text or varchar"},
		{"too_many_parameters", "select 'b' as basket, 'x' as item where $1 = 1 and $2 = 2", "q.sql uses $2, there are 1 parameters"},
		{"no_sql", "selec 1", "q.sql: "},
		{"null", "select 'b' as basket, null::text as item", "null"},
	} {
		var basket, item []string
		var minor []int64
		_, err := dataset.Query{Text: tt.text, Origin: "q.sql"}.Read(t.Context(), conn, []any{1},
			dataset.Shape{"basket": pg.Strings(&basket), "item": pg.Strings(&item)},
			dataset.Shape{"item": pg.Strings(&item), "amount": pg.Minor(&minor, 2)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	distinct, codes := dataset.Encode([]string{"b", "é", "a", "b", "Z"})
	if diff := cmp.Diff([]any{[]string{"Z", "a", "b", "é"}, []int32{2, 3, 1, 2, 0}}, []any{distinct, codes}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if distinct, codes := dataset.Encode([]int64(nil)); len(distinct) != 0 || len(codes) != 0 {
		t.Errorf("nothing encodes to %v, %v", distinct, codes)
	}
}

// Texts go a way of their own, which must give what the plain one gives.
func TestTextsAreEncodedInOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	for round := range 200 {
		values := make([]string, rng.IntN(300))
		for i := range values {
			text := []byte("prefix\x00"[:rng.IntN(8)])
			if round%2 == 0 {
				text = []byte("one prefix for all, ")
			}
			for range rng.IntN(12) {
				text = append(text, "ab\x00\xff"[rng.IntN(4)])
			}
			values[i] = string(text)
		}
		want := slices.Clone(values)
		slices.Sort(want)
		want = slices.Compact(want)
		distinct, codes := dataset.Encode(values)
		if !slices.Equal(distinct, want) {
			t.Fatalf("%q: %q, want %q", values, distinct, want)
		}
		for i, code := range codes {
			if distinct[code] != values[i] {
				t.Fatalf("row %d is %q, it is coded as %q", i, values[i], distinct[code])
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 2))
	var values []string
	for len(values) < 2_000_000 {
		customer := fmt.Sprintf("CUST-%07d", rng.IntN(200_000))
		for range 1 + rng.IntN(5) {
			values = append(values, customer)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		dataset.Encode(values)
	}
	b.ReportMetric(float64(b.N)*float64(len(values))/b.Elapsed().Seconds(), "rows/s")
}
