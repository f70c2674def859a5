package stream

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
)

// A second topic, with nothing of the first: its tables are made from the declaration.
func TestAnotherTopicByDeclarationAlone(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/sensors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, 1, string(src))
	r.exec("create table rooms (room bigint primary key)")
	r.exec("insert into rooms values (1), (2)")
	r.send(0,
		`{"id": "a", "meta": {"room": 1}, "celsius": "21.5", "ok": true, "at": 1735732800000}`,
		`{"id": "b", "meta": {"room": 2}, "celsius": 19.25, "ok": false, "at": 1735732801000, "note": "draught"}`,
		`{"id": "c", "meta": {"room": 1}, "celsius": -3, "ok": true, "at": 1735732860000}`,
		`{"id": "d", "meta": {"room": 7}, "celsius": 20, "ok": true, "at": 1735732860000}`,
		`{"id": "c", "meta": {"room": 1}, "celsius": -3, "ok": true, "at": 1735732860000}`,
		`{"id": "toolongtoolong", "meta": {"room": 1}, "celsius": 1, "ok": true, "at": 1735732860000}`,
	)
	r.once()
	want := []string{
		`(a,1,21.50,t,"2025-01-01 12:00:00",)`,
		`(b,2,19.25,f,"2025-01-01 12:00:01",draught)`,
		`(c,1,-3.00,t,"2025-01-01 12:01:00",)`,
	}
	if diff := cmp.Diff(want, r.texts("select id, room, celsius, ok, at, note from plant.readings order by id")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want = []string{
		`("2025-01-01 12:00:00","2025-01-01 12:05:00",1,2,18.50,-3.00,21.50,"2025-01-01 12:01:00")`,
		`("2025-01-01 12:00:00","2025-01-01 12:05:00",2,1,19.25,19.25,19.25,"2025-01-01 12:00:01")`,
	}
	if diff := cmp.Diff(want, r.texts("select window_start, window_end, room, n, total, coldest, warmest, latest from plant.by_room order by room")); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	if got := r.texts("select missing from dag.held_rows"); len(got) != 1 || got[0] != "(rooms.room=7)" {
		t.Errorf("held rows: %v", got)
	}
	if n := r.number("select count(*) from dag.dead_letters"); n != 1 {
		t.Errorf("%d dead letters, want the id that is too long", n)
	}
	if n := r.number("select count(*) from pg_constraint where contype = 'f' and conrelid in ('plant.readings'::regclass, 'plant.by_room'::regclass)"); n != 2 {
		t.Errorf("%d foreign keys were made, want 2", n)
	}
	r.once() // what was made is what is declared
}

func TestTablesThatDifferAreAnErrorBeforeReading(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, change, want string }{
		{"column_missing", "alter table transactions drop column customer_id", "column customer_id character varying is missing"},
		{"integer_for_int64", "alter table transactions alter transaction_id type integer", "column transaction_id is integer, expected bigint"},
		{"time_with_zone", "alter table transactions alter ts type timestamptz", "column ts is timestamp with time zone, expected timestamp without time zone"},
		{"fewer_decimals", "alter table transactions alter amount type numeric(12,1)", "column amount is numeric(12,1), expected numeric(12,2)"},
		{"short_texts", "alter table transactions alter customer_id type varchar(5)", "so the field needs max_length: 5 or less"},
		{"column_nobody_fills", "alter table transactions add column extra int not null", "column extra is not null and no field fills it"},
		{"other_key", "alter table transactions drop constraint transactions_pkey, add primary key (transaction_id)", "its primary key is (transaction_id), expected (transaction_id, ts)"},
		{"no_key", "alter table product_metrics_minute drop constraint product_metrics_minute_pkey", "it has no primary key, expected (window_start, product_id)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, sales)
			r.send(0, makeSale(1, 0))
			r.exec(c.change)
			_, err := r.job("a").Run(t.Context(), run.Input{Once: true})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
			if n := r.number("select count(*) from dag.stream_offsets"); n != 0 {
				t.Errorf("the stream began all the same")
			}
		})
	}
}

func TestTablesThatMayDiffer(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.exec("alter table transactions add column note text, add column seen timestamptz not null default now(), alter amount type numeric")
	r.exec("alter table product_metrics_minute drop column window_end")
	r.send(0, makeSale(1, 0))
	r.once()
	if n := r.number("select count(*) from product_metrics_minute"); n != 1 {
		t.Errorf("%d windows, want 1", n)
	}
}

// Triggers of others and foreign keys the stream does not know keep working, at their price.
func TestTriggersOfOthersStillFire(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.exec("create table seen (id bigint)")
	r.exec("create function note() returns trigger language plpgsql as 'begin insert into seen values (new.transaction_id); return new; end'")
	r.exec("create trigger note after insert on transactions for each row execute function note()")
	r.send(0, makeSale(1, 0), makeSale(2, 0), makeSale(1, 0))
	r.once()
	if n := r.number("select count(*) from seen"); n != 2 {
		t.Errorf("the trigger fired %d times, want 2", n)
	}
}

func TestRandomKeysAreSortedFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	var values []string
	for i := range 1000 {
		values = append(values, makeSale(i*7919%1009, 0))
	}
	r.send(0, values...)
	r.once()
	r.verify()
	order := r.texts("select transaction_id from transactions order by ctid limit 5")
	if diff := cmp.Diff([]string{"(0)", "(1)", "(2)", "(3)", "(4)"}, order); diff != "" {
		t.Errorf("first rows of the table (-want +got):\n%s", diff)
	}
}
