package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/instance"
	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pg"
)

var dagKills = flag.Int("dag-kills", 16, "how often the process of TestKilledInADAG is killed")

// A process with a DAG of thirty jobs is killed with SIGKILL again and again, at random moments of waves of work, and
// started again. Afterwards each job has come out as in a process that nobody disturbed: runs, outcomes, attempts of
// its own, cursors, tables, files.
func TestKilledInADAG(t *testing.T) {
	const perWave = 4
	waves := max(*dagKills/perWave, 2)
	var calm, killed map[string]string
	t.Run("runs", func(t *testing.T) {
		t.Run("undisturbed", func(t *testing.T) {
			t.Parallel()
			w := newWaves(t)
			c := w.p.start("run")
			for i := range waves {
				w.produce(i)
				w.await(c, i+1)
			}
			if code := c.stop(t); code != 0 {
				t.Errorf("Ctrl-C ended with %d", code)
			}
			calm = w.effects()
		})
		t.Run("killed", func(t *testing.T) {
			t.Parallel()
			w := newWaves(t)
			rng := rand.New(rand.NewPCG(30, 100))
			c := w.p.start("run")
			for i := range waves {
				w.produce(i)
				for range perWave {
					time.Sleep(time.Duration(rng.IntN(1200)) * time.Millisecond) // the moment of the kill is the random input here
					w.kill(c)
					c = w.p.start("run")
				}
				began := time.Now()
				w.await(c, i+1)
				t.Logf("wave %d ended %s after its last kill", i+1, time.Since(began).Round(time.Millisecond))
				w.noneLeft()
			}
			w.kill(c)
			t.Logf("nothing was shown as running %s after the last kill", w.silence().Round(time.Millisecond))
			killed = w.effects()
		})
	})
	if diff := cmp.Diff(calm, killed); diff != "" || len(calm) == 0 {
		t.Errorf("effects (-undisturbed +killed %d times):\n%s", waves*perWave, diff)
	}
}

// waves drives a pipeline on the services of a `dag up` that nobody kills.
type waves struct {
	t        *testing.T
	p        *pipeline
	db       *pgxpool.Pool
	producer *kafkasrc.Producer
	files    string
}

func newWaves(t *testing.T) *waves {
	w := &waves{t: t, p: newPipeline(t, "1h"), files: t.TempDir()}
	w.p.dagfile, w.p.env = "../testdata/killed/dagfile.yaml", []string{"DAG_LISTEN=", "KILLED_EFFECTS=" + w.files}
	up := w.p.start("up")
	var i instance.Info
	up.until(t, "the services are up", func() bool { i, _ = w.p.info(instance.ServicesRole); return i.Ready })
	t.Cleanup(func() { up.stop(t) })
	var err error
	if w.db, err = pg.Open(t.Context(), i.Socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	client, err := kafkasrc.Open(i.Brokers, kafkasrc.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.EnsureTopic(ctx, "events", 2); err != nil {
		t.Fatal(err)
	}
	if w.producer, err = client.NewProducer(ctx, "events"); err != nil {
		t.Fatal(err)
	}
	return w
}

// produce writes the events of a wave.
func (w *waves) produce(wave int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var parts [2][]kafkasrc.Record
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 500 {
		id := wave*500 + i
		text := fmt.Sprintf(`{"id": %d, "v": %d, "at": %q}`, id, id%7, at.Add(time.Duration(id)*time.Second).Format(time.RFC3339))
		parts[i%2] = append(parts[i%2], kafkasrc.Record{Value: []byte(text), TimeMs: time.Now().UnixMilli()})
	}
	for i, msgs := range parts {
		if err := w.producer.Send(ctx, i, msgs); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *waves) kill(c *process) {
	w.t.Helper()
	if err := c.Process.Kill(); err != nil {
		w.t.Fatal(err)
	}
	if code := c.wait(w.t); code != -1 {
		w.t.Fatalf("dag ended by itself with %d:\n%s", code, c.out)
	}
}

// scheduled are the jobs whose runs are caused by waves alone: not by a start, nor by the clock.
const scheduled = "job not in ('tables', 'events', 'tick')"

// await waits until each job of the graph has had its runs of so many waves; rescue has one for each odd one.
func (w *waves) await(c *process, n int) {
	w.t.Helper()
	var ended string
	c.until(w.t, fmt.Sprintf("wave %d is done", n), func() bool {
		var ready bool
		err := w.db.QueryRow(w.t.Context(), `
			select count(*) = 27 and bool_and(n >= case when job = 'rescue' then ($1 + 1) / 2 else $1 end), coalesce(string_agg(job || ' ' || n, ', ' order by job), '')
			from (select job, count(*) as n from dag.runs where state not in ('running', 'canceled') and `+scheduled+` group by job) r`, n).Scan(&ready, &ended)
		if err != nil {
			w.t.Fatal(err)
		}
		return ready
	})
}

// noneLeft looks for runs of processes that were killed, at a time when the living one has long been at work.
func (w *waves) noneLeft() {
	w.t.Helper()
	if got := w.list("select job || ' since ' || started_at from dag.runs where state = 'running' and lease_until < now()"); got != "" {
		w.t.Errorf("runs of dead processes are left running: %s", got)
	}
}

// silence waits until history shows no run as running, with nobody there who could close one.
func (w *waves) silence() time.Duration {
	w.t.Helper()
	began := time.Now()
	for {
		runs, err := runstore.NewPostgres(w.db).History(w.t.Context(), run.Filter{State: run.Running})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(runs) == 0 {
			return time.Since(began)
		}
		if time.Since(began) > 15*time.Second {
			w.t.Fatalf("15s after the kill %d runs are shown as running, such as %s", len(runs), runs[0].Job)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// effects are all that the jobs did, but for times and names of runs.
func (w *waves) effects() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for what, query := range map[string]string{
		"events":   "select count(*) || ' of ' || sum(v) from events",
		"effects":  "select job || ' ' || wave || ' ' || value from effects order by job, wave, value",
		"runs":     "select job || ': ' || string_agg(state, ' ' order by queued_at, run_id) from dag.runs where " + scheduled + " group by job order by job",
		"started":  "select distinct state from dag.runs where job = 'tables' and state <> 'canceled'",
		"cursors":  "select job || ' ' || stream || ' ' || rows from dag.gate_cursors where " + scheduled + " and stream <> 'cron' order by job, stream",
		"warnings": "select job || ': ' || count(*) from dag.runs where warning <> '' group by job order by job",
		"attempts": `select job || ': ' || string_agg(tries, ' | ' order by queued_at, run_id) from (
			select r.job, r.queued_at, r.run_id, string_agg(a.state, ' ' order by a.attempt) as tries
			from dag.runs r join dag.attempts a using (run_id) where ` + scheduled + ` and a.error <> '` + run.Interrupted + `' group by r.job, r.queued_at, r.run_id) t
			group by job order by job`,
		// Each tick between the first and the last has had one run, whoever slept through it.
		"ticks":         `select count(*) = count(distinct as_of) and count(*) = 1 + extract(epoch from max(as_of) - min(as_of)) / 2 from ticks`,
		"runs of ticks": `select max(n) from (select count(*) as n from dag.runs where job = 'tick' and state = 'succeeded' group by as_of) t`,
	} {
		out[what] = w.list(query)
	}
	for _, job := range []string{"exec1", "exec2"} {
		text, err := os.ReadFile(filepath.Join(w.files, job))
		if err != nil {
			w.t.Fatal(err)
		}
		runs := map[string]bool{}
		for id := range strings.Lines(string(text)) {
			runs[id] = true
		}
		out["runs of "+job] = fmt.Sprint(len(runs))
	}
	if out["ticks"] != "t" && out["ticks"] != "true" {
		w.t.Errorf("ticks were missed or doubled: %s", w.list("select as_of || ' ' || count(*) from ticks group by as_of order by as_of"))
	}
	return out
}

// list gives the rows of a query of one column, one a line.
func (w *waves) list(query string) string {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(v[0]))
	}
	if err := rows.Err(); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(lines, "\n")
}
