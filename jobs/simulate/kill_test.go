package simulate

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
)

// childEnv makes this test binary run the job in place of the tests, so that the test can kill it. Its value is the
// clock, the database, the brokers and the topics' name.
const childEnv = "TILLFLOW_SIMULATE_CHILD"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := child(strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const killedShop = "{ rate: 40/m, history: 8d, partitions: 3 }"

// child writes one history and tells each chunk on its output; each byte of its input lets it write one more.
func child(args []string) error {
	ctx := context.Background()
	clock, err := time.Parse(time.RFC3339, args[0])
	if err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, args[1])
	if err != nil {
		return err
	}
	defer db.Close()
	j, err := New("sim.pos", with(args[3], killedShop), Deps{DB: db, Brokers: strings.Split(args[2], ","), Now: func() time.Time { return clock }})
	if err != nil {
		return err
	}
	_, err = j.Run(ctx, run.Input{Once: true, Drain: time.Minute, Progress: func(p run.Progress) {
		fmt.Println(p.Rows, p.Note)
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test lets it go on, or lets go of it
	}})
	return err
}

// However often the process is killed while it writes, the log becomes the one of an undisturbed run.
func TestKilledProcessRepeatsNothingAndLeavesNothingOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	reference := with("undisturbed", killedShop)
	b.once(t, reference, evening)
	want := b.log(t, reference)
	rng := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for done := false; !done; {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{evening.Format(time.RFC3339), b.url, strings.Join(b.kafka.Brokers(), ","), "killed"}, "\n"))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed a moment after it wrote a chunk, somewhere in the next two; the wait only spreads the places.
		if bufio.NewScanner(out).Scan() && kills < 8 {
			if _, err := in.Write([]byte("..")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
			_ = cmd.Process.Kill()
		}
		_ = in.Close() // one that lives goes on to its end
		done = cmd.Wait() == nil
		if !done {
			kills++
		}
		if kills > 20 {
			t.Fatal("it never comes to its end by itself")
		}
	}
	if kills < 5 {
		t.Errorf("only %d kills", kills)
	}
	w := with("killed", killedShop)
	mustEqual(t, want, b.log(t, w))
	sound(t, b.log(t, w), evening)
}
