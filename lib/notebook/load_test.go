package notebook_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// at is the clock of these tests.
var at = time.Date(2026, 11, 22, 17, 14, 0, 0, time.UTC)

func parse(t testing.TB, src string) *notebook.Report {
	t.Helper()
	if !strings.HasPrefix(src, "---") {
		src = "---\ntitle: Test\ntimezone: Asia/Riyadh\ncurrency: SAR\nparams: { period: 24h, top: 2, store: \"north'; drop table dim_stores; --\" }\n---\n" + src
	}
	rep, problems := notebook.Parse("r.md", []byte(src))
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return rep
}

func load(t testing.TB, db *pgxpool.Pool, b *notebook.Book, now time.Time) *notebook.Data {
	t.Helper()
	var d *notebook.Data
	err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) (err error) {
		d, err = b.Load(t.Context(), tx, now, now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func draw(t testing.TB, d *notebook.Data) (string, notebook.Drawn) {
	t.Helper()
	var b bytes.Buffer
	drawn, err := d.Draw(&b)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), drawn
}

func TestLoadTypes(t *testing.T) {
	db := pgtest.Open(t)
	rep := parse(t, `
~~~sql a
select 1::int2 as i, 9007199254740993::int8 as big, 12.50::numeric(12,2) as money, 'NaN'::float8 as nan, true as yes,
       'x'::varchar as s, null::text as nothing, '2026-11-22 17:14:03.25'::timestamp as ts, '2026-11-22 20:14:03+03'::timestamptz as tz,
       '2026-11-22'::date as day, 'infinity'::timestamp as forever, '{"a":1}'::jsonb as doc, array[1,2] as list, interval '1 day 2 h' as long,
       '11111111-2222-3333-4444-555555555555'::uuid as id
union all select null, null, null, null, null, null, 'y', null, null, null, null, null, null, null, null
~~~
`)
	f := load(t, db, notebook.NewBook(rep), at).Results["a"].Frame
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i := range f.Columns {
		c := &f.Columns[i]
		got[c.Name] = c.Kind.String() + " " + c.Text(0) + "|" + c.Text(1)
	}
	want := map[string]string{
		"i": "int 1|", "big": "int 9007199254740993|", "money": "float 12.5|", "nan": "float NaN|", "yes": "bool true|", "s": "string x|", "nothing": "string |y",
		"ts": "time 2026-11-22 17:14:03.25|", "tz": "time 2026-11-22 17:14:03|", "day": "time 2026-11-21 21:00:00|", "forever": "time |",
		"doc": `string {"a": 1}|`, "list": "string {1,2}|", "long": "float 93600|", "id": "string 11111111-2222-3333-4444-555555555555|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A parameter is a value, whatever it holds; a value of a cell above is one too.
func TestParametersAreBound(t *testing.T) {
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), `insert into dim_stores values ('S1', 'north''; drop table dim_stores; --', 'Riyadh', 'Central', 1)`); err != nil {
		t.Fatal(err)
	}
	rep := parse(t, `
~~~sql stores
select store_id, store_name, :now as seen, :now - :period as before, :top * 2 as four from dim_stores where store_name = :store
~~~
~~~sql again
select count(*) as n, :stores.before as before, pg_typeof(:stores.four)::text as four, :stores.store_name as name from dim_stores where store_name = :stores.store_name
~~~
~~~sql none
select 1 as x where false
~~~
~~~sql from_none
select :none.x is null as missing
~~~
`)
	d := load(t, db, notebook.NewBook(rep), at)
	for name, want := range map[string]string{
		"stores":    "S1 north'; drop table dim_stores; -- 2026-11-22 17:14:00 2026-11-21 17:14:00 4",
		"again":     "1 2026-11-21 17:14:00 bigint north'; drop table dim_stores; --",
		"from_none": "true",
	} {
		r := d.Results[name]
		if r.Err != nil {
			t.Errorf("%s: %v", name, r.Err)
			continue
		}
		if got := row(r.Frame); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func row(f *frame.Frame) string {
	var out []string
	for i := range f.Columns {
		out = append(out, f.Columns[i].Text(0))
	}
	return strings.Join(out, " ")
}

// A failing cell says where, and the cells after it run in the same snapshot.
func TestFailingCells(t *testing.T) {
	db := pgtest.Open(t)
	src := `
~~~sql before
select count(*) as n from dim_products
~~~
~~~sql wrong
select store_id,
       min(on_hand) / :top as cover
from dim_stores group by 1
~~~
~~~sql slow timeout=50ms
select pg_sleep(10)
~~~
~~~sql zero
select 1 / (n - n) as x from (select count(*) as n from dim_products) as p
~~~
~~~sql many max_rows=3
select * from generate_series(1, 1000) as n
~~~
~~~sql twice
select 1 as a, 2 as a
~~~
~~~sql writes
with gone as (delete from dim_products returning 1) select * from gone
~~~
~~~sql waits
select :wrong.cover as x
~~~
~~~sql waits_longer
select :waits.x as x
~~~
~~~sql unknown_column
select :before.m as x
~~~
~~~sql after
select count(*) as n from dim_products
~~~
`
	rep := parse(t, src)
	b := notebook.NewBook(rep)
	var d *notebook.Data
	err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) (err error) {
		d, err = b.Load(t.Context(), tx, at, at)
		if err != nil {
			return err
		}
		// Another session adds a product; the snapshot of this one must not see it.
		if _, err := db.Exec(t.Context(), `insert into dim_products values ('P1', 'n', 'c', 1)`); err != nil {
			return err
		}
		again, err := notebook.NewBook(rep).Load(t.Context(), tx, at, at)
		if err == nil && again.Results["after"].Frame.Column("n").Ints[0] != 0 {
			t.Error("the cells of one transaction see different snapshots")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"wrong":          `r.md:13:12: cell wrong: column "on_hand" does not exist`,
		"slow":           `r.md:16: cell slow: took longer than 50ms and was cancelled (make the query cheaper, let it serve longer with cache=, or raise timeout=)`,
		"zero":           `r.md:19: cell zero: division by zero`,
		"many":           `r.md:22: cell many: gave more than 3 rows; sum them up in SQL, add a limit, or raise max_rows=`,
		"twice":          `r.md:25: cell twice: two columns of the result are called "a"; give one another name with as`,
		"writes":         `r.md:28: cell writes: cannot execute SELECT in a read-only transaction (an sql cell only reads)`,
		"unknown_column": `r.md:37:4: cell unknown_column: before has no column "m" (it has n)`,
	}
	got := map[string]string{}
	for name, r := range d.Results {
		if r.Err != nil {
			got[name] = r.Err.Error()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := d.Results["wrong"].Err; e.Source != "       min(on_hand) / :top as cover" || e.Mark != "           ^^^^^^^" {
		t.Errorf("marked as\n%s\n%s", e.Source, e.Mark)
	}
	for _, name := range []string{"before", "after"} {
		if r := d.Results[name]; r.Err != nil || r.Frame.Rows() != 1 {
			t.Errorf("%s did not run: %v", name, r.Err)
		}
	}
	if w := d.Results["waits"].Waiting; w != "wrong" {
		t.Errorf("waits waits for %q", w)
	}
	if w := d.Results["waits_longer"].Waiting; w != "waits" {
		t.Errorf("waits_longer waits for %q", w)
	}
}

// The last good result stays with its age; a failing cell rests longer each time, and comes back.
func TestStaleAndBack(t *testing.T) {
	db := pgtest.Open(t)
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("create table stock (n integer); insert into stock values (7)")
	b := notebook.NewBook(parse(t, `
~~~sql stock
select n from stock
~~~
~~~sql double
select 2 * :stock.n as n
~~~
~~~kpi stock_now
data: stock
value: n
~~~
~~~kpi double_now
data: double
value: n
~~~
`))
	if _, drawn := draw(t, load(t, db, b, at)); drawn.Current != 2 || drawn.Cells != 2 {
		t.Fatalf("%+v", drawn)
	}
	exec("alter table stock rename to gone")
	tries := 0
	for i := range 60 { // five minutes, each 5 s
		now := at.Add(time.Duration(i+1) * 5 * time.Second)
		d := load(t, db, b, now)
		r := d.Results["stock"]
		if r.Err == nil || r.Frame == nil || !r.At.Equal(at) || !r.Since.Equal(at.Add(5*time.Second)) {
			t.Fatalf("at %s: %+v", now, r)
		}
		if i == 0 {
			tries++
			page, drawn := draw(t, d)
			if drawn.Current != 0 || len(drawn.Failed) != 1 {
				t.Errorf("%+v", drawn)
			}
			for _, want := range []string{"Stale since 20:14:00", "0 of 2 cells current", `<p class="figure">7</p>`, `<p class="figure">14</p>`} {
				if !strings.Contains(page, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
		}
	}
	exec("alter table gone rename to stock; update stock set n = 8")
	back := at.Add(10 * time.Minute)
	d := load(t, db, b, back)
	if r := d.Results["stock"]; r.Err != nil || r.Frame.Column("n").Ints[0] != 8 || !r.At.Equal(back) {
		t.Errorf("did not come back: %+v", r)
	}
	if got := d.Results["double"].Frame.Column("n").Ints[0]; got != 16 {
		t.Errorf("double is %d", got)
	}
}

// A failing query is tried after 5, 10, 20, 40 s, then once a minute, and not in each rendering.
func TestFailingCellRests(t *testing.T) {
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), "create sequence tries"); err != nil {
		t.Fatal(err)
	}
	b := notebook.NewBook(parse(t, "~~~sql a\nselect 1 / (nextval('tries')::int * 0) as x\n~~~\n"))
	var tried []int
	last := int64(0)
	for s := 0; s <= 300; s += 5 {
		// nextval is refused in a read-only transaction, so this one is not; the sequence keeps count past rollbacks.
		err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
			_, err := b.Load(t.Context(), tx, at, at.Add(time.Duration(s)*time.Second))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := db.QueryRow(t.Context(), "select last_value from tries where is_called").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != last {
			tried, last = append(tried, s), n
		}
	}
	if diff := cmp.Diff([]int{0, 5, 15, 35, 75, 135, 195, 255}, tried); diff != "" {
		t.Errorf("tried at seconds (-want +got):\n%s", diff)
	}
}

func TestCache(t *testing.T) {
	db := pgtest.Open(t)
	const count = "select count(*) as n from dim_products"
	b := notebook.NewBook(parse(t, "~~~sql kept cache=30s\n"+count+" where pg_sleep(0.2) is not null\n~~~\n"+
		"~~~sql cheap cache=30s\n"+count+"\n~~~\n~~~sql fresh\n"+count+"\n~~~\n"))
	if _, err := db.Exec(t.Context(), "insert into dim_products values ('P', 'n', 'c', 1)"); err != nil {
		t.Fatal(err)
	}
	var took time.Duration // of the cheap query, last time: it serves again for 300 times that
	for i, c := range []struct {
		after              time.Duration
		kept, cheap, fresh int64
	}{{0, 1, 1, 1}, {29 * time.Second, 1, 2, 2}, {60 * time.Second, 3, 3, 3}, {89 * time.Second, 3, 4, 4}} {
		d := load(t, db, b, at.Add(c.after))
		if 300*took >= 29*time.Second {
			t.Logf("the cheap query took %s here, so its result may serve again", took)
			c.cheap = d.Results["cheap"].Frame.Column("n").Ints[0]
		}
		took = max(took, d.Results["cheap"].Took)
		for name, want := range map[string]int64{"kept": c.kept, "cheap": c.cheap, "fresh": c.fresh} {
			if got := d.Results[name].Frame.Column("n").Ints[0]; got != want {
				t.Errorf("after %s: %s is %d, want %d", c.after, name, got, want)
			}
		}
		if _, err := db.Exec(t.Context(), fmt.Sprintf("insert into dim_products values ('P%d', 'n', 'c', 1)", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// When the connection is lost the error says so, and the book is of use again.
func TestLostConnection(t *testing.T) {
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, "~~~sql a\nselect pg_terminate_backend(pg_backend_pid()) as x where current_setting('application_name') = 'doomed'\n~~~\n"))
	err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "set local application_name = 'doomed'"); err != nil {
			return err
		}
		_, err := b.Load(t.Context(), tx, at, at)
		return err
	})
	if err == nil {
		t.Error("no error from a transaction whose session was ended")
	}
	if d := load(t, db, b, at); d.Results["a"].Err != nil {
		t.Error(d.Results["a"].Err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = pg.ReadOnly(ctx, db, 0, func(tx pgx.Tx) error {
		cancel()
		_, err := b.Load(ctx, tx, at, at)
		return err
	})
	if err == nil {
		t.Error("no error from an ended context")
	}
}
