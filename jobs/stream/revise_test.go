package stream

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
)

// including is the sales stream that adds late rows to their windows, and keeps sliding ones of some of them too.
const including = `late: include
` + sales + `  sliding:
    window: 10m
    slide: 5m
    where: amount > 1
    totals: { n: count(), customers: approx_distinct(customer_id) }
`

// A window says how many of its rows came when it had ended: those of a window that slides by itself, a held row by its
// own place in the log. A table that was made for late: drop gets the column.
func TestLateRowsThatAreIncludedReviseTheirWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	first := []string{line(1, "P1", 5, 2), line(2, "P1", 5, 30)}
	r.send(0, append(first, line(3, "P1", 5, 2))...) // late: left out
	r.once()
	r.with = decode(t, including)
	r.send(0,
		line(4, "P1", 5, 2), line(4, "P1", 5, 2), // late, and once more
		line(5, "P2", 1, 3), // late; not one of the sliding windows'
		line(6, "X", 5, 22), // late for the window of 15 to 25 minutes, on time for that of 20 to 30; its product is missing
		line(7, "P3", 5, 31),
	)
	r.once(func(w *With, _ *Deps) { w.Batch = 2 })
	r.send(0, line(8, "P3", 5, 60), line(9, "X", 5, 31)) // the second one is late
	r.once()
	windows := func(sql string, want ...string) {
		t.Helper()
		if got := r.texts(sql); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", sql, got, want)
		}
	}
	const minutes = "select to_char(window_start, 'MI'), product_id, transaction_count, revised from product_metrics_minute order by 1, 2"
	windows(minutes, "(00,P3,1,0)", "(02,P1,2,1)", "(03,P2,1,1)", "(30,P1,1,0)", "(31,P3,1,0)")
	r.productX()
	r.once()
	windows(minutes, "(00,P3,1,0)", "(02,P1,2,1)", "(03,P2,1,1)", "(22,X,1,1)", "(30,P1,1,0)", "(31,P3,1,0)", "(31,X,1,1)")
	windows("select to_char(window_start, 'HH24:MI'), n, revised from sliding where window_start >= '2025-01-01 12:00' order by window_start",
		"(12:00,1,1)", "(12:15,1,1)", "(12:20,1,0)", "(12:25,2,1)", "(12:30,2,1)", "(12:55,1,0)", "(13:00,1,0)")
	windows(`select row_key[1], included from dag.late_rows order by "offset"`, "(3,f)", "(4,t)", "(5,t)", "(6,t)", "(9,t)")

	// Whether a late row was included is remembered, so that the proof holds after a change of mind. The windows that
	// slide are younger than the first rows.
	r.with.Late = "drop"
	r.send(0, line(10, "P1", 5, 2))
	r.once()
	windows(minutes, "(00,P3,1,0)", "(02,P1,2,1)", "(03,P2,1,1)", "(22,X,1,1)", "(30,P1,1,0)", "(31,P3,1,0)", "(31,X,1,1)")
	r.with = decode(t, "late: include\n"+sales)
	r.prove()
}

// Before anything is read, a table's column of another kind is an error, and so is a table that the stream may not alter.
func TestColumnOfRevisionsThatCannotBe(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, including)
	fails := func(want string, change ...func(*With, *Deps)) {
		t.Helper()
		_, err := r.job("a", change...).Run(t.Context(), run.Input{Once: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	r.exec("alter table product_metrics_minute add column revised integer")
	fails("column revised is integer, expected bigint")
	r.exec("alter table product_metrics_minute drop column revised")
	role := "reviser_" + strings.Trim(r.texts("select current_database()")[0], "()")
	r.exec("create role " + role + " login")
	t.Cleanup(func() {
		if _, err := r.db.Exec(context.Background(), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	r.exec("grant usage, create on schema public, dag to " + role)
	r.exec("grant all on all tables in schema public, dag to " + role)
	u, err := url.Parse(r.db.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	limited, err := pg.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	as := func(_ *With, d *Deps) { d.DB = limited }
	const add = `alter table "product_metrics_minute" add column "revised" bigint not null default 0`
	fails("table product_metrics_minute has no column revised, and the stream may not add it: as its owner, run: "+add, as)
	r.exec(add)
	r.send(0, line(1, "P1", 5, 30), line(2, "P1", 5, 2))
	r.once(as)
	if n := r.number("select sum(revised) from product_metrics_minute"); n != 1 {
		t.Errorf("windows were revised %d times, want once", n)
	}
	r.prove()
}

// What is too far ahead of its message's time in the log is stored, listed and moves no watermark. A message that waited
// is judged by its own place in the log.
func TestRowsFromTheFutureAreListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	const year = 366 * 24 * 60
	logged := func(at int, values ...string) (msgs []message) {
		for _, v := range values {
			msgs = append(msgs, message{value: v, brokerMs: day.Add(time.Duration(at) * time.Minute).UnixMilli()})
		}
		return msgs
	}
	fixed := r.with
	r.with = cheap(t)
	r.append(slices.Concat(
		logged(0, line(1, "P1", 5, 0), line(2, "P1", 5, 60), line(3, "P1", 5, 61)), // an hour ahead is allowed, a minute more is not
		logged(0, line(4, "P1", 5, year), line(4, "P1", 5, year)),                  // twice
		logged(0, line(5, "X", 5, year), line(6, "P1", 500, year)),                 // held; dead
		logged(30, line(7, "X", 5, 61), line(8, "P1", 500, 61)),                    // likewise, and not ahead
		[]message{{value: line(9, "P1", 5, 60), brokerMs: -1}},                     // the log has no time: trusted
	), 1)
	r.once(func(w *With, _ *Deps) { w.Batch = 3 })
	listed := func(want ...string) {
		t.Helper()
		if got := r.texts(`select "offset", row_key[1], event_time - log_time from dag.future_rows order by 1`); !slices.Equal(got, want) {
			t.Errorf("listed: %v, want %v", got, want)
		}
		if n := r.number("select sum(future) from dag.stream_batches"); n != int64(len(want)) {
			t.Errorf("the ledger counts %d, want %d", n, len(want))
		}
		r.verify()
	}
	listed(`(2,3,01:01:00)`, `(3,4,"366 days")`)
	r.with = fixed
	r.productX()
	r.once()
	listed(`(2,3,01:01:00)`, `(3,4,"366 days")`, `(5,5,"366 days")`)
	if _, err := r.job("replay").Replay(t.Context(), ledger.DeadFilter{}); err != nil {
		t.Fatal(err)
	}
	listed(`(2,3,01:01:00)`, `(3,4,"366 days")`, `(5,5,"366 days")`, `(6,6,"366 days")`)
	if got := r.texts("select max_event_time, dag.watermark('stream.test') from dag.stream_offsets"); !slices.Equal(got, []string{`("2025-01-01 13:01:00","2025-01-01 12:56:00")`}) {
		t.Errorf("the watermark is %v", got)
	}
	if n := r.number("select count(*) from product_metrics_minute where window_start > '2026-01-01'"); n != 2 {
		t.Errorf("%d windows of the future, want 2", n)
	}
	r.exec("update dag.stream_batches set committed_at = committed_at - interval '3 hours'")
	l, ok, err := ledger.Member{Job: "stream.test", Topic: "transactions", Name: "fold", TTL: time.Minute}.Claim(t.Context(), r.db, 0)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := l.Fold(t.Context(), r.db); err != nil {
		t.Fatal(err)
	}
	if got := r.texts("select count(*) <= 2, sum(future) from dag.stream_batches"); !slices.Equal(got, []string{"(t,4)"}) {
		t.Errorf("folded: %v", got)
	}
	r.verify()
}

// The name of the column is taken when late rows are included, and free when they are left out.
func TestTotalNamedRevised(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(sales, "transaction_count:", "revised:", 1)
	for late, want := range map[string]string{"drop": "", "include": `"revised" cannot be the name of a total: it is no column's name, or taken`} {
		w := decode(t, settings)
		w.Late = late
		_, err := New("s", w, Deps{})
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("late: %s: %v, want %q", late, err, want)
		}
	}
}
