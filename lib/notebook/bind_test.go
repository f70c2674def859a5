package notebook

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"parameters", "select :a, (:b_2)", "a b_2"},
		{"values_of_cells", "where ts > :span.since and n = :totals.net", "span.since totals.net"},
		{"cast", "select now()::date, :a::text", "a"},
		{"array_slice_of_numbers", "select x[1:2]", ""},
		{"assignment", "select f(x := 1)", ""},
		{"quotes", `select ':a', ':it''s :b', ":c", e'\':d', E'x\\', :e`, "e"},
		{"a_word_before_a_quote_is_no_escape", `select name'\', :a`, "a"},
		{"comments", "-- :a\nselect /* :b /* :c */ :d */ :e -- :f", "e"},
		{"dollar_quotes", "select $$ :a $$, $t$ :b $$ :c $t$, $1, :d", "d"},
		{"at_the_end", "select :a", "a"},
		{"lone_colon", "select : a, :1", ""},
		{"dot_that_ends_a_sentence", "select :a.", "a"},
		{"not_closed", "select 'x :a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range findPlaces(c.sql) {
				got = append(got, p.name())
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%q, want %q", s, c.want)
			}
		})
	}
}

func TestBind(t *testing.T) {
	sql := "select '\u00e9', :now - :period, :now"
	got, wrong := bind(sql, findPlaces(sql), func(p place) (argument, *complaint) {
		return argument{map[string]string{"now": "timestamp", "period": "interval"}[p.param], p.param}, nil
	})
	if wrong != nil {
		t.Fatal(wrong)
	}
	if want := "select '\u00e9', $1::timestamp - $2::interval, $1::timestamp"; got.sql != want {
		t.Errorf("sql %q, want %q", got.sql, want)
	}
	if diff := cmp.Diff([]any{"now", "period"}, got.args); diff != "" {
		t.Error(diff)
	}
}

// A position in the bound query leads back to the same word of the report, also behind parameters and other letters.
func TestErrorPositions(t *testing.T) {
	sql := "select '\u00e9\U0001f600', :a, wrong, :long_name + other from :b"
	q, _ := bind(sql, findPlaces(sql), func(place) (argument, *complaint) { return argument{pgType: "double precision"}, nil })
	for _, word := range []string{"select", "wrong", "other", "from"} {
		position := utf8.RuneCountInString(q.sql[:strings.Index(q.sql, word)]) + 1
		if at := q.source(position); !strings.HasPrefix(sql[at:], word) {
			t.Errorf("%s: led to %q", word, sql[at:])
		}
	}
	in := utf8.RuneCountInString(q.sql[:strings.Index(q.sql, "$2::")]) + 4
	if at := q.source(in); !strings.HasPrefix(sql[at:], ":long_name") {
		t.Errorf("inside a parameter: led to %q", sql[at:])
	}
	if at := q.source(1 << 20); at != len(sql) {
		t.Errorf("behind the end: led to %d of %d", at, len(sql))
	}
}

func TestCaret(t *testing.T) {
	for _, c := range []struct {
		line string
		col  int
		want string
	}{
		{"select on_hand from x", 8, "       ^^^^^^^"},
		{"\tselect a", 9, "\t       ^"},
		{"select +", 8, "       ^"},
		{"short", 20, "     ^"},
	} {
		if got := caret(c.line, c.col); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.line, c.col, got, c.want)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		`column "on_hand" does not exist`:                                              `column "on_hand" does not exist`,
		"failed to connect to postgres://me:secret@db.example:5432/retail?x=y: no":     "failed to connect to [hidden] no",
		"failed to connect to `user=me password='a b' host=db port=5432`: no such one": "failed to connect to `[hidden] [hidden] [hidden] [hidden] no such one",
	} {
		if got := redact(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
