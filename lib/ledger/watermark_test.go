package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/ledger"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// stood is a partition as the ledger has it; what is zero is not known yet.
type stood struct {
	event, updated time.Time
	next, end      int64
}

// stand puts a stream's partitions into the ledger.
func stand(t *testing.T, db *pgxpool.Pool, job, topic string, ps ...stood) {
	t.Helper()
	if _, err := db.Exec(t.Context(), "delete from dag.stream_offsets where job = $1 and topic = $2", job, topic); err != nil {
		t.Fatal(err)
	}
	for i, p := range ps {
		var event *time.Time
		if !p.event.IsZero() {
			event = &p.event
		}
		_, err := db.Exec(t.Context(), `insert into dag.stream_offsets (job, topic, partition, max_event_time, updated_at, next_offset, log_end)
			values ($1, $2, $3, $4, $5, $6, $7)`, job, topic, i, event, p.updated, p.next, p.end)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func register(t *testing.T, db ledger.DB, job string, s ledger.Settings) {
	t.Helper()
	if err := ledger.Register(t.Context(), db, job, s); err != nil {
		t.Fatal(err)
	}
}

func minute(m int) time.Time { return time.Date(2025, 1, 1, 12, m, 0, 0, time.UTC) }

// The job's watermark is the least of its active partitions': which ones are active is told by the ledger alone.
func TestWatermarkOfAJob(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	register(t, db, job, ledger.Settings{Topic: topic, Delay: 5 * time.Minute, Idle: time.Minute, Late: "drop"})
	at := minute
	for _, c := range []struct {
		name   string
		ps     []stood
		want   time.Time // zero: none
		active int
	}{
		{"never_ran", nil, time.Time{}, 0},
		{"no_event_yet", []stood{{updated: at(0)}}, time.Time{}, 1},
		{"only_dead_letters_so_far", []stood{{updated: at(0), next: 7, end: 7}}, time.Time{}, 1},
		{"one", []stood{{event: at(10), updated: at(11)}}, at(5), 1},
		{"the_least", []stood{{event: at(10), updated: at(11)}, {event: at(8), updated: at(11)}}, at(3), 2},
		{"idle_does_not_hold_back", []stood{{event: at(10), updated: at(11)}, {event: at(1), updated: at(2)}}, at(5), 1},
		{"idle_by_the_minute_and_no_less", []stood{{event: at(10), updated: at(11)}, {event: at(1), updated: at(10)}}, at(-4), 2},
		{"behind_is_not_idle", []stood{{event: at(10), updated: at(11)}, {event: at(1), updated: at(2), next: 5, end: 6}}, at(-4), 2},
		{"woken_up_it_goes_back", []stood{{event: at(10), updated: at(11)}, {event: at(1), updated: at(12)}}, at(-4), 2},
		{"new_partition_without_messages", []stood{{event: at(10), updated: at(11)}, {updated: at(11)}}, at(5), 2},
		{"partition_that_never_had_a_message", []stood{{event: at(10), updated: at(11)}, {updated: at(0)}}, at(5), 1},
		{"first_messages_unread_may_be_of_any_time", []stood{{event: at(10), updated: at(11)}, {updated: at(2), end: 6}}, time.Time{}, 2},
		{"all_idle_stands_still", []stood{{event: at(10), updated: at(1)}, {event: at(9), updated: at(1)}}, at(4), 2},
		{"all_idle_for_ever_stands_still", []stood{{event: at(10), updated: at(-9999)}, {event: at(9), updated: at(-9999)}}, at(4), 2},
		{"all_idle_but_one_longer", []stood{{event: at(10), updated: at(-9999)}, {event: at(9), updated: at(-99999)}}, at(5), 1},
	} {
		stand(t, db, job, topic, c.ps...)
		got, ok, err := ledger.Watermark(t.Context(), db, job)
		if err != nil || !got.Equal(c.want) || ok != !c.want.IsZero() {
			t.Errorf("%s: watermark %v, %v, %v; want %v", c.name, got, ok, err, c.want)
		}
		v, err := member("a", time.Hour).Beat(t.Context(), db, nil)
		if err != nil || !v.Watermark.Equal(c.want) {
			t.Errorf("%s: the beat sees %v, %v; want %v", c.name, v.Watermark, err, c.want)
		}
		var active, all int
		if err := db.QueryRow(t.Context(), "select coalesce(sum(active_partitions), 0), coalesce(sum(partitions), 0) from dag.watermarks where job = $1", job).Scan(&active, &all); err != nil {
			t.Fatal(err)
		}
		if active != c.active || all != len(c.ps) {
			t.Errorf("%s: %d of %d partitions are active, want %d of %d", c.name, active, all, c.active, len(c.ps))
		}
	}
	if at, ok, err := ledger.Watermark(t.Context(), db, "stream.other"); ok || err != nil {
		t.Errorf("a stream nobody knows has watermark %v, %v", at, err)
	}
}

// A stream that reads another topic now, or waits longer, is told by what it was set to last.
func TestRegisterReplacesWhatWasThere(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), `create schema web; create table web."Clicks" (); create table a (); create table b ()`); err != nil {
		t.Fatal(err)
	}
	stand(t, db, job, "old", stood{event: minute(1), updated: minute(1)})
	stand(t, db, job, topic, stood{event: minute(10), updated: minute(10)})
	windows := func(names ...string) (out []ledger.WindowTable) {
		for _, n := range names {
			out = append(out, ledger.WindowTable{Name: n, Size: 10 * time.Minute, Step: time.Minute})
		}
		return out
	}
	mark := func() string {
		at, ok, err := ledger.Watermark(t.Context(), db, job)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(at.Format(time.TimeOnly), " ", ok)
	}
	for range 2 {
		register(t, db, job, ledger.Settings{Topic: "old", Delay: time.Minute, Late: "drop", Windows: windows(`"a"`, `"web"."Clicks"`)})
	}
	if got := mark(); got != "12:00:00 true" {
		t.Errorf("watermark %s", got)
	}
	register(t, db, job, ledger.Settings{Topic: topic, Delay: 2 * time.Minute, Idle: time.Hour, MaxSkew: 3 * time.Second, Late: "include", Windows: windows(`"web"."Clicks"`, "b")})
	if got := mark(); got != "12:08:00 true" {
		t.Errorf("watermark %s", got)
	}
	var tables, settings string
	err := db.QueryRow(t.Context(), "select string_agg(concat_ws(' ', table_name, size, step), ', ' order by table_name) from dag.stream_windows").Scan(&tables)
	if err != nil || tables != `b 00:10:00 00:01:00, web."Clicks" 00:10:00 00:01:00` {
		t.Errorf("windows %s, %v", tables, err)
	}
	err = db.QueryRow(t.Context(), "select concat_ws(' ', topic, delay, idle_after, max_skew, late) from dag.streams").Scan(&settings)
	if err != nil || settings != "sales 00:02:00 01:00:00 00:00:03 include" {
		t.Errorf("settings %s, %v", settings, err)
	}
}

// A report's cell and a job's query ask for closed windows in plain SQL: in a read-only transaction, and as a user who may
// do no more than read.
func TestClosedWindowsBySQL(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	setup := `
		create table hourly (window_start timestamp, window_end timestamp);
		insert into hourly select h, h + interval '1 hour' from generate_series(timestamp '2025-01-01 00:00', '2025-01-01 23:00', '1 hour') h;
		create table sliding (window_start timestamp, window_end timestamp);
		create table other ()`
	if _, err := db.Exec(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	register(t, db, job, ledger.Settings{Topic: topic, Delay: 5 * time.Minute, Idle: time.Minute, Late: "drop", Windows: []ledger.WindowTable{
		{Name: "hourly", Size: time.Hour, Step: time.Hour}, {Name: "sliding", Size: time.Hour, Step: 7 * time.Second},
	}})
	var reader string
	if err := db.QueryRow(t.Context(), "select 'reader_of_' || current_database()").Scan(&reader); err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{reader}.Sanitize()
	if _, err := db.Exec(t.Context(), fmt.Sprintf("create role %[1]s; grant usage on schema dag to %[1]s; grant select on all tables in schema dag, public to %[1]s", name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := db.Exec(ctx, fmt.Sprintf("drop owned by %[1]s; drop role %[1]s", name)); err != nil {
			t.Error(err)
		}
	})
	ask := func(query string) (out string) {
		t.Helper()
		err := pg.ReadOnly(t.Context(), db, time.Minute, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "set local role "+name); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), "select coalesce(("+query+")::text, 'null')").Scan(&out)
		})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return out
	}
	const closed = "select count(*) from hourly where window_end <= dag.closed_until('hourly')"
	if got := ask(closed); got != "0" {
		t.Errorf("%s windows are closed before any event", got)
	}
	for _, c := range []struct{ mark, until, count string }{
		{"2025-01-01 12:00:00", "2025-01-01 12:00:00", "12"},
		{"2025-01-01 11:59:59.999999", "2025-01-01 11:00:00", "11"},
		{"2025-01-01 12:59:59.999999", "2025-01-01 12:00:00", "12"},
		{"1969-12-31 23:30:00", "1969-12-31 23:00:00", "0"},
		{"0001-01-01 00:00:10.000001", "0001-01-01 00:00:00", "0"},
		{"9999-12-31 23:59:59.999999", "9999-12-31 23:00:00", "24"},
	} {
		at, err := time.Parse("2006-01-02 15:04:05.999999", c.mark)
		if err != nil {
			t.Fatal(err)
		}
		stand(t, db, job, topic, stood{event: at.Add(5 * time.Minute), updated: minute(0)}, stood{event: at.Add(time.Hour), updated: minute(0)})
		if got := ask("select dag.watermark('" + job + "')"); got != c.mark {
			t.Errorf("watermark %s, want %s", got, c.mark)
		}
		if got := ask("select dag.closed_until('hourly')"); got != c.until {
			t.Errorf("watermark %s: hours are closed until %s, want %s", c.mark, got, c.until)
		}
		// A second opinion: in whole microseconds.
		step := (7 * time.Second).Microseconds()
		us := at.UnixMicro()
		want := time.UnixMicro(us - (us%step+step)%step).UTC().Format("2006-01-02 15:04:05")
		if got := ask("select dag.closed_until('sliding')"); got != want {
			t.Errorf("watermark %s: sliding windows are closed until %s, want %s", c.mark, got, want)
		}
		if got := ask(closed); got != c.count {
			t.Errorf("watermark %s: %s hours are closed, want %s", c.mark, got, c.count)
		}
	}
	for _, q := range []string{"select dag.closed_until('other')", "select dag.watermark('nobody')"} {
		if got := ask(q); got != "null" {
			t.Errorf("%s is %s, want null", q, got)
		}
	}
	// Of two streams that write one table the slower one counts, and one that has no event closes nothing.
	if _, err := member("a", time.Hour).Beat(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	register(t, db, "stream.second", ledger.Settings{Topic: "second", Late: "drop", Windows: []ledger.WindowTable{{Name: "public.hourly", Size: time.Hour, Step: time.Hour}}})
	if got := ask("select dag.closed_until('hourly')"); got != "null" {
		t.Errorf("with a stream that has no event: %s, want null", got)
	}
	stand(t, db, "stream.second", "second", stood{event: minute(1), updated: minute(1)})
	if got := ask("select dag.closed_until('hourly')"); got != "2025-01-01 12:00:00" {
		t.Errorf("with a slower stream: %s", got)
	}
	// A stream that nobody runs any more has given its table to the one that does.
	if err := member("a", time.Hour).Leave(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	stand(t, db, job, topic, stood{event: minute(-600), updated: minute(0)})
	register(t, db, "stream.second", ledger.Settings{Topic: "second", Late: "drop", Windows: []ledger.WindowTable{{Name: "hourly", Size: time.Hour, Step: time.Hour}}})
	if got := ask("select dag.closed_until('hourly')"); got != "2025-01-01 12:00:00" {
		t.Errorf("with a stream that was renamed: %s", got)
	}
}
