package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneTill has columns of every type beside its key, some of them null.
const oneTill = `
topic: till
fields:
  id:     { type: int64 }
  at:     { type: timestamp, column: ts, event_time: true }
  amount: { type: "decimal(12,2)" }
  weight: { type: float64, nullable: true }
  paid:   { type: bool, nullable: true }
  note:   { type: string, nullable: true }
sinks:
  tills: { append: all, key: [id, ts] }
`

// Which repeated messages differ from the first one with their key is the same whatever the batches were, and what SQL
// finds in the messages themselves.
func TestConflictsAreThoseThatDifferFromTheFirst(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 1))
	any := func(values ...string) string { return values[rng.IntN(len(values))] }
	var log []string
	for range 1500 {
		log = append(log, fmt.Sprintf(`{"id":%d,"at":"2025-06-01 12:00:0%d","amount":%s,"weight":%s,"paid":%s,"note":%s}`, rng.IntN(300), rng.IntN(2),
			any("1.5", `"1.50"`, "1.50", "2"), any("1", "1.0", "1.0", "null"), any("true", "true", "null"), any(`"a"`, `"a"`, "null")))
	}
	for _, batch := range []int{1, 40, 5000} {
		t.Run(fmt.Sprintf("batch=%d", batch), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, oneTill)
			r.send(0, log...)
			r.once(func(w *With, _ *Deps) { w.Batch = batch })
			const second = `
				with m as (
					select ord, (v->>'id')::bigint as id, (v->>'at')::timestamp as at,
					       row((v->>'amount')::numeric, (v->>'weight')::float8, (v->>'paid')::bool, v->>'note') as payload
					from unnest($1::json[]) with ordinality as l (v, ord)
				), f as (
					select *, first_value(payload) over (partition by id, at order by ord) as first from m
				)
				select count(*) from f where payload is distinct from first`
			want := r.number(second, log)
			if want < 100 {
				t.Fatalf("%d conflicts in the log, too few to prove a thing", want)
			}
			if n := r.number("select sum(conflicts) from dag.stream_batches"); n != want {
				t.Errorf("the ledger counts %d conflicts, want %d", n, want)
			}
			if n := r.number("select count from dag.stream_problems where kind = 'conflict' and subject = 'tills'"); n != want {
				t.Errorf("the problem counts %d conflicts, want %d", n, want)
			}
			if n := r.number(strings.Replace(second, "count(*)", "min(ord) - 1", 1), log); n != r.number("select \"offset\" from dag.stream_problems where kind = 'conflict'") {
				t.Errorf("the first conflict is at offset %d; the problem says another", n)
			}
			r.prove()
		})
	}
}

// What is said of the first conflict is enough to see what the producer did.
func TestConflictIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, oneTill)
	row := func(id int, at, amount, text string) string {
		return fmt.Sprintf(`{"id":%d,"at":"2025-06-01 12:00:0%s","amount":%s,"note":%s}`, id, at, amount, text)
	}
	r.send(0, row(1, "0", "1.5", `"a"`), row(2, "0", "7", "null"))
	r.once()
	// A plain repeat; the same id at another time, which is a row of its own; two that differ.
	r.send(0, row(1, "0", "1.50", `"a"`), row(1, "1", "9", `"a"`), row(1, "0", "2.25", "null"), row(2, "0", "8", "null"))
	r.once()
	want := []string{`(0,conflict,tills,2,"id 1, ts 2025-06-01 12:00:00: amount 2.25, the table has 1.50; note null, the table has a",4,f)`}
	if diff := cmp.Diff(want, r.problemRows()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := r.texts("select messages, inserted, duplicates, conflicts from dag.stream_batches order by first_offset"); !cmp.Equal(got, []string{"(2,2,0,0)", "(4,1,3,2)"}) {
		t.Errorf("entries %v", got)
	}
	if n := r.number("select count(*) from tills where (id, amount) in ((1, 1.5), (1, 9), (2, 7))"); n != 3 {
		t.Errorf("%d of the 3 rows that came first are there", n)
	}
	r.prove()
}

// A row that waited may find that its key was taken by another meanwhile: its batch's entry says so.
func TestConflictOfARowThatWaited(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.send(0, line(1, "NEW", 5, 0), line(2, "NEW", 5, 0))
	r.once()
	r.send(0, line(1, "P1", 5, 0))
	r.once()
	r.exec("insert into dim_products values ('NEW', 'x', 'Electronics', 10)")
	r.once()
	if got := r.texts("select messages, inserted, duplicates, held, conflicts from dag.stream_batches order by first_offset"); !cmp.Equal(got, []string{"(2,1,1,0,1)", "(1,1,0,0,0)"}) {
		t.Errorf("entries %v", got)
	}
	if n := r.number("select count(*) from dag.stream_problems where kind = 'conflict' and example like '%product_id NEW, the table has P1%'"); n != 1 {
		t.Errorf("%d problems tell of it, want 1", n)
	}
	r.prove()
}

// A key that is the whole row cannot conflict.
func TestNoConflictWithoutValues(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, "topic: ticks\nfields:\n  at: { type: timestamp, event_time: true }\nsinks:\n  ticks: { append: all, key: [at] }\n")
	r.send(0, `{"at":"2025-06-01 12:00:00"}`, `{"at":"2025-06-01 12:00:00"}`)
	r.once()
	if n := r.number("select sum(duplicates) - sum(conflicts) from dag.stream_batches"); n != 1 {
		t.Errorf("%d plain repeats, want 1", n)
	}
	r.prove()
}
