package event_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"tillflow/lib/event"
)

func filterSchema(t testing.TB) *event.Schema {
	return newSchema(t, []event.Field{
		{Name: "id", Type: kind(t, "int64")},
		{Name: "product", Type: kind(t, "string"), Column: "product_id", MaxLength: 4},
		{Name: "amount", Type: kind(t, "decimal(12,2)"), Nullable: true},
		{Name: "rate", Type: kind(t, "float64"), Nullable: true},
		{Name: "paid", Type: kind(t, "bool")},
		{Name: "at", Type: kind(t, "timestamp"), Format: "epoch_ms"},
	})
}

// The rows that meet a condition, by number.
func TestFilterKeepsTheRowsThatMeetIt(t *testing.T) {
	t.Parallel()
	s := filterSchema(t)
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	for _, m := range []string{
		`{"id":0,"product":"a","amount":0,"rate":0.1,"paid":true,"at":0}`,
		`{"id":1,"product":"b","amount":-0.01,"rate":-2,"paid":false,"at":1767225600000}`,
		`{"id":2,"product":"it's","amount":12.50,"rate":null,"paid":true,"at":1767225600001}`,
		`{"id":3,"product":"A","amount":null,"rate":1e300,"paid":false,"at":-1}`,
	} {
		if err := d.Append([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	rec := d.Seal()
	defer rec.Release()
	for where, want := range map[string]string{
		"amount > 0":                                   "2",
		"amount>=0":                                    "0 2",
		"amount < 0.00":                                "1",
		"amount <= -0.01":                              "1",
		"amount = 12.5":                                "2",
		"amount <> 12.5":                               "0 1",
		"amount != 12.5":                               "0 1",
		"amount is null":                               "3",
		"Amount IS NOT NULL":                           `no field has the column "Amount"`,
		"amount IS NOT NULL AND paid = TRUE":           "0 2",
		"amount in (0, -0.01)":                         "0 1",
		"amount not in (0, -0.01)":                     "2",
		"product_id = 'a'":                             "0",
		"product_id <> 'a'":                            "1 2 3",
		"product_id in ('it''s','A')":                  "2 3",
		"product_id not in ('a') and id < 3":           "1 2",
		"product_id = 'longer than it can be'":         "",
		"rate > 0.05":                                  "0 3",
		"rate = 0.1":                                   "0",
		"rate < 0 and rate > -3":                       "1",
		"paid = false":                                 "1 3",
		"at > '2026-01-01 00:00:00'":                   "2",
		"at >= '2026-01-01T03:00:00+03:00'":            "1 2",
		"at < '1970-01-01 00:00:00'":                   "3",
		"id > 0 and id > 1 and id <> 2 and paid=false": "3",
	} {
		f, err := s.NewFilter(where)
		if err != nil {
			if err.Error() != want {
				t.Errorf("%s: %v", where, err)
			}
			continue
		}
		keep := []bool{true, true, true, true}
		f.Keep(rec, keep)
		var got []string
		for i, k := range keep {
			if k {
				got = append(got, fmt.Sprint(i))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s keeps rows %v, want %s", where, got, want)
		}
		f.Keep(rec, keep[:0]) // and asks nothing when no row is left
	}
	f, err := s.NewFilter("id > 0")
	if err != nil {
		t.Fatal(err)
	}
	keep := []bool{true, false, true, true}
	if f.Keep(rec, keep); keep[1] {
		t.Error("a row that was out came back in")
	}
}

// What a person reads when a condition is wrong.
func TestFilterProblems(t *testing.T) {
	t.Parallel()
	s := filterSchema(t)
	for where, want := range map[string]string{
		"":                           "the condition is empty; it is written like amount > 0 and reason in ('a', 'b')",
		"amount > 0 or id = 1":       `"or" where "and" or the end is expected; comparisons are joined by "and"`,
		"amount":                     `amount: "the end" is no comparison: =, <>, <, <=, >, >=, in (...), not in (...), is null, is not null`,
		"amount >":                   `amount is decimal(12,2): "the end" where a number is expected`,
		"0 < amount":                 `"0" where a column is expected; a comparison begins with its column`,
		"amount > 0 and":             `"the end" where a column is expected; a comparison begins with its column`,
		"amount > 0.001":             `amount: "0.001" has 3 decimals, decimal(12,2) allows 2`,
		"amount > 1e20":              `amount: "1e20" has 21 digits before the point, decimal(12,2) allows 10`,
		"amount > '0'":               `amount is decimal(12,2): "'0'" where a number is expected`,
		"amount > id":                `amount is decimal(12,2): "id" where a number is expected`,
		"amount between 1 and 2":     `amount: "between" is no comparison: =, <>, <, <=, >, >=, in (...), not in (...), is null, is not null`,
		"id = 1.5":                   `id: "1.5" has a fraction, int64 allows none`,
		"id = 1.2.3":                 `id: "1.2.3" is not a number`,
		"product_id = LAPTOP":        `product_id is string: "LAPTOP" where 'text' in single quotes is expected`,
		"product_id = \"a\"":         `cannot read "\"a\""; a condition is written like amount > 0 and reason in ('a', 'b')`,
		"product_id > 'a'":           "product_id >: a string has no order here; use =, <> or in (...)",
		"product = 'a'":              `no field has the column "product"`,
		"paid = 1":                   `paid is bool: "1" where true or false is expected`,
		"paid < true":                "paid <: a bool has no order here; use =, <> or in (...)",
		"at > 0":                     `at is timestamp: "0" where a time such as '2026-01-31 12:00:00' is expected`,
		"at > 'noon'":                `at: "noon" is not a time: expected 2006-01-02 15:04:05 or ISO 8601`,
		"id in 1":                    `id in: "1" where ( is expected`,
		"id in (1 2)":                `id in: "2" where , or ) is expected`,
		"id in ()":                   `id is int64: ")" where a number is expected`,
		"id not 1":                   "id not: only not in (...) is known",
		"id is 1":                    "id is: only is null and is not null are known",
		"amount > 0; drop table x":   `cannot read "; drop table x"; a condition is written like amount > 0 and reason in ('a', 'b')`,
		"product_id = 'not finished": `cannot read "'not finished"; a condition is written like amount > 0 and reason in ('a', 'b')`,
	} {
		_, err := s.NewFilter(where)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", where, err, want)
		}
		var unknown *event.UnknownColumnError
		if errors.As(err, &unknown) != strings.HasPrefix(want, "no field") {
			t.Errorf("%s: a %T", where, err)
		}
	}
}

func TestFilterAsSQL(t *testing.T) {
	t.Parallel()
	f, err := filterSchema(t).NewFilter(`amount >= -1.50 AND product_id in ('it''s', 'a\b') and at < '2026-01-01T03:00:00.5+03' and paid = TRUE and rate is not null`)
	if err != nil {
		t.Fatal(err)
	}
	want := `"amount" >= -1.50 and "product_id" in ('it''s', E'a\\b') and "at" < timestamp '2026-01-01 00:00:00.5' and "paid" = true and "rate" is not null`
	if got := f.SQL(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever is written as a condition is refused or read, and what was read reads the same again.
func FuzzFilter(f *testing.F) {
	for _, where := range []string{
		"amount > 0 and product_id in ('a', 'it''s')", "at >= '2026-01-01T03:00:00+03:00'", "paid = TRUE", "rate <> -1e-5", "id is not null", "id not in (1,2", "'", "amount",
	} {
		f.Add(where)
	}
	s := filterSchema(f)
	f.Fuzz(func(t *testing.T, where string) {
		first, err := s.NewFilter(where)
		if err != nil {
			return
		}
		plain := strings.NewReplacer(`"`, "", "timestamp '", "'").Replace(first.SQL())
		if strings.ContainsAny(where, "\"\\") || strings.Contains(where, "timestamp '") {
			return
		}
		again, err := s.NewFilter(plain)
		if err != nil || again.SQL() != first.SQL() {
			t.Errorf("%q became %q, which gives %v", where, first.SQL(), err)
		}
	})
}
