package picture_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/gate"
	"tillflow/dag/picture"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/spec"
	"tillflow/lib/pgtest"
)

var kinds = map[string]spec.Kind{"stream": {Stream: true, With: with}, "batch": {With: with}, "report": {Report: true, With: with}}

func with() any { return new(struct{}) }

const dagfile = `version: 1
name: shop
jobs:
  orders: { uses: stream }
  totals: { uses: batch, needs: [orders], when: { any: [{ rows: 10, of: orders }, { every: 1m }] } }
  page:   { uses: report, needs: [totals] }
`

func planOf(t *testing.T, text string) *plan.Plan {
	t.Helper()
	s, problems := spec.Parse("dagfile.yaml", []byte(text), kinds, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p, problems := plan.New(s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

// world is what a keeper is told of.
type world struct {
	t      *testing.T
	db     *pgxpool.Pool
	status []runner.Status
}

func (w *world) keeper(p *plan.Plan, instance string) *picture.Keeper {
	return picture.New(picture.Config{DB: w.db, Plan: p, Instance: instance, Status: func() []runner.Status { return w.status },
		Log: slog.New(slog.DiscardHandler)})
}

func (w *world) save(k *picture.Keeper, want bool) {
	w.t.Helper()
	if mine, err := k.Save(w.t.Context()); err != nil || mine != want {
		w.t.Fatalf("Save gave %v, %v; want %v", mine, err, want)
	}
}

// rows gives the lines of a query that gives one text a row.
func (w *world) rows(query string) []string {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) same(what, query string, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.rows(query)); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func shop(now time.Time) []runner.Status {
	return []runner.Status{
		{Job: "orders", Stream: true, State: "catching-up", Vitals: &runner.Vitals{Lag: 500, Why: "lag 500 of 2000"}, Why: gate.Answer{Due: true}},
		{Job: "totals", State: "succeeded", Note: "12 rows", Why: gate.Answer{Text: "all", Opens: now.Add(time.Minute), Sub: []gate.Answer{
			{Due: true, Text: "orders is live"},
			{Text: "any", Opens: now.Add(time.Minute), Sub: []gate.Answer{
				{Text: "7 of 10 rows of orders", Opens: now.Add(9 * time.Second), About: true},
				{Text: "every 1m, last began 3s ago", Opens: now.Add(time.Minute)},
			}},
		}}},
		{Job: "page", State: "failed", Error: "read\n report: gone", Why: gate.Answer{Due: true}},
	}
}

// What the process knows can be read by SQL: the graph, the states, the judgements.
func TestKeeperWritesGraphStatesAndConditions(t *testing.T) {
	t.Parallel()
	w := &world{t: t, db: pgtest.Open(t), status: shop(time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC))}
	k := w.keeper(planOf(t, dagfile), "a")
	w.save(k, true)
	w.same("jobs", "select concat_ws('|', place, job, kind, opens, state, note, waits_for, opens_at at time zone 'UTC', error) from dag.jobs order by place",
		"1|orders|stream|always|catching-up|lag 500 of 2000||",
		"2|totals|batch|10 rows of orders or every 1m|succeeded|12 rows|7 of 10 rows of orders|2026-03-01 12:01:00|",
		"3|page|report|at the start|failed|||read report: gone")
	w.same("edges", "select concat_ws(' ', upstream, '->', job || ':', label) from dag.job_needs order by 1",
		"orders -> totals: live, 10 rows", "totals -> page: succeeded")
	w.same("conditions", "select concat_ws('|', place, repeat('-', depth) || text, holds, opens_at at time zone 'UTC') from dag.job_conditions where job = 'totals' order by place",
		"1|orders is live|t", "2|any|f|2026-03-01 12:01:00", "3|-7 of 10 rows of orders|f", "4|-every 1m|f|2026-03-01 12:01:00")
	w.same("states of streams", "select concat_ws('|', job, state, note) from dag.stream_states", "orders|catching-up|lag 500 of 2000")
}

// How far the streams of the pipeline are is noted from the ledger: all partitions, whoever works on them.
func TestKeeperNotesStreams(t *testing.T) {
	t.Parallel()
	w := &world{t: t, db: pgtest.Open(t), status: shop(time.Now())}
	if _, err := w.db.Exec(t.Context(), `insert into dag.stream_offsets (job, topic, partition, rows, next_offset, log_end)
		values ('orders', 'orders', 0, 10, 12, 20), ('orders', 'orders', 1, 5, 6, 6), ('other', 'other', 0, 1, 1, 1)`); err != nil {
		t.Fatal(err)
	}
	w.save(w.keeper(planOf(t, dagfile), "a"), true)
	w.same("samples", "select concat_ws(' ', job, rows, lag) from dag.stream_samples", "orders 15 8")
}

// In a process that runs each job once, a stream is running and then has ended like a batch job.
func TestKeeperOfJobsThatRunOnce(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	w := &world{t: t, db: pgtest.Open(t), status: shop(begun)}
	w.status[0] = runner.Status{Job: "orders", Stream: true, State: "waiting", Why: gate.Answer{Due: true}}
	k := picture.New(picture.Config{DB: w.db, Plan: planOf(t, dagfile), Instance: "a", Status: func() []runner.Status { return w.status }, Once: begun})
	for _, c := range []struct {
		began time.Time
		last  run.Run
		want  string
	}{
		{begun.Add(-time.Hour), run.Run{ID: "0", Started: begun.Add(-time.Hour), State: run.Canceled}, "waiting"},
		{begun.Add(time.Second), run.Run{ID: "0", Started: begun.Add(-time.Hour), State: run.Canceled}, "running"},
		{begun.Add(time.Second), run.Run{ID: "1", Started: begun.Add(time.Second), State: run.Succeeded}, "succeeded"},
	} {
		w.status[0].Began, w.status[0].Last = c.began, c.last
		w.save(k, true)
		w.same(c.want, "select state from dag.jobs where job = 'orders'", c.want)
	}
}

// Only rows that say something else are written; how long ago something was is nothing else.
func TestKeeperWritesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	w := &world{t: t, db: pgtest.Open(t), status: shop(time.Now())}
	k := w.keeper(planOf(t, dagfile), "a")
	w.save(k, true)
	const versions = "select job || ' ' || xmin from dag.jobs order by job"
	before := w.rows(versions)
	w.status[1].Why.Sub[1].Sub[1].Text = "every 1m, last began 5s ago"
	w.save(k, true)
	w.same("nothing is written", versions, before...)
	w.status[0].State = "live"
	w.save(k, true)
	after := w.rows(versions)
	if before[0] == after[0] || before[1] != after[1] || before[2] != after[2] {
		t.Errorf("rows were %v, are %v; only that of orders should be new", before, after)
	}
	w.same("each state of the stream is kept", "select state from dag.stream_states order by since", "catching-up", "live")
	w.same("since when", "select job from dag.jobs where state_since > (select min(state_since) from dag.jobs)", "orders")
}

// Two processes on one database: one writes, and the other takes over when its lease has lapsed. Jobs that are not in its
// dagfile go.
func TestOneKeeperAtATime(t *testing.T) {
	t.Parallel()
	w := &world{t: t, db: pgtest.Open(t), status: shop(time.Now())}
	w.save(w.keeper(planOf(t, dagfile), "a"), true)
	smaller := planOf(t, "version: 1\nname: shop\njobs:\n  orders: { uses: stream }\n  totals: { uses: batch, needs: [orders] }\n")
	w.status = w.status[:2]
	w.status[0].State = "stalled"
	w.save(w.keeper(smaller, "b"), false)
	w.same("the first one's", "select instance || ' ' || (select state from dag.jobs where job = 'orders') from dag.pipelines", "a catching-up")
	if _, err := w.db.Exec(t.Context(), "update dag.pipelines set until = now() - interval '1 s'"); err != nil {
		t.Fatal(err)
	}
	w.save(w.keeper(smaller, "b"), true)
	w.same("the second one's", "select instance || ' ' || (select state from dag.jobs where job = 'orders') from dag.pipelines", "b stalled")
	w.same("jobs of its dagfile", "select job from dag.jobs order by 1", "orders", "totals")
}
