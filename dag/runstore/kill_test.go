package runstore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// countsFor names the database of a process that this test starts and kills.
const countsFor = "TILLFLOW_TEST_COUNTS_FOR"

func TestMain(m *testing.M) {
	if url := os.Getenv(countsFor); url != "" {
		if err := countForEver(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// countForEver is a process that does what the runner does with rows that arrive: it begins a run on the rows since the
// cursor, and finishes it, over and over. The note of a run says which rows it counted.
func countForEver(url string) error {
	ctx := context.Background()
	db, err := pg.Open(ctx, url)
	if err != nil {
		return err
	}
	s := runstore.NewPostgres(db)
	if _, err := s.Recover(ctx, "counter"); err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		cursors, err := s.Cursors(ctx, "a")
		if err != nil {
			return err
		}
		var rows int64
		if err := db.QueryRow(ctx, "update arrived set rows = rows + 7 returning rows").Scan(&rows); err != nil {
			return err
		}
		now := time.Now()
		r := run.Run{ID: run.NewID(now), Job: "a", State: run.Running, AsOf: now, Started: now, Instance: "counter", Ledger: map[string]int64{"s": rows}}
		if err := s.Begin(ctx, r); err != nil {
			return err
		}
		if err := s.Attempt(ctx, r.ID, run.Attempt{Number: 1, State: run.Succeeded, Started: now, Ended: now}); err != nil {
			return err
		}
		r.State, r.Ended, r.Note = run.Succeeded, time.Now(), fmt.Sprintf("%d-%d", cursors["s"], rows)
		if err := s.Finish(ctx, r); err != nil {
			return err
		}
	}
}

// A process is killed with SIGKILL at random moments, and its connections are cut at others: the successful runs count
// each row once, none twice, and none is left out.
func TestNoRowIsCountedTwiceOrMissedThroughAKill(t *testing.T) {
	url := pgtest.URL(t)
	db, err := pg.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(t.Context(), "create table arrived as select 0::bigint as rows"); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 12))
	killed := 0
	for round := range 25 {
		c := startCounter(t, url)
		time.Sleep(time.Duration(rng.IntN(60_000)) * time.Microsecond) // the moment of the kill is the random input here
		if round%4 == 3 {
			if _, err := db.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			killed++
		}
		_ = c.Wait() // it was killed, or lost its connections
	}
	// The last words of a killed process may still be on their way: a run that begins so late would end with its lease.
	for deadline, others := time.Now().Add(time.Minute), 1; others > 0; time.Sleep(10 * time.Millisecond) {
		const query = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
		if err := db.QueryRow(t.Context(), query).Scan(&others); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions of killed processes do not end", others)
		}
	}
	s := runstore.NewPostgres(db)
	left, err := s.Recover(t.Context(), "counter")
	if err != nil {
		t.Fatal(err)
	}
	checkCounts(t, db, s, len(left))
	if killed < 15 {
		t.Errorf("only %d processes were killed", killed)
	}
}

func startCounter(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), countsFor+"="+url)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		_ = c.Process.Kill()
		t.Fatalf("the counting process says %q (%v)", line, err)
	}
	return c
}

func checkCounts(t *testing.T, db *pgxpool.Pool, s *runstore.Postgres, left int) {
	t.Helper()
	done, err := s.History(t.Context(), run.Filter{State: run.Succeeded})
	if err != nil {
		t.Fatal(err)
	}
	canceled, err := s.History(t.Context(), run.Filter{State: run.Canceled})
	if err != nil {
		t.Fatal(err)
	}
	cursors, err := s.Cursors(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if len(done) < 25 {
		t.Errorf("only %d runs succeeded between the kills", len(done))
	}
	var at int64
	for i := len(done) - 1; i >= 0; i-- { // the oldest first
		var from, to int64
		if _, err := fmt.Sscanf(done[i].Note, "%d-%d", &from, &to); err != nil {
			t.Fatal(err)
		}
		if from != at {
			t.Errorf("run %s counted the rows after %d, the one before it those up to %d", done[i].ID, from, at)
		}
		at = to
	}
	if cursors["s"] != at {
		t.Errorf("the cursor is at %d, the last success counted to %d", cursors["s"], at)
	}
	var running, attempts int
	if err := db.QueryRow(t.Context(), `select (select count(*) from dag.runs where state = 'running'),
		(select count(*) from dag.runs r where state = 'canceled' and not exists (select from dag.attempts a where a.run_id = r.run_id))`).Scan(&running, &attempts); err != nil {
		t.Fatal(err)
	}
	if running != 0 || attempts != 0 {
		t.Errorf("%d runs are left running, %d canceled ones have no attempt", running, attempts)
	}
	t.Logf("%d runs succeeded, %d were interrupted, the last recovery closed %d", len(done), len(canceled), left)
}
