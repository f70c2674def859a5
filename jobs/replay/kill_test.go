package replay

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

	"tillflow/dag/run"
)

// childEnv makes this test binary run the job in place of the tests, so that the test can kill it. Its value is the
// folder and the brokers.
const childEnv = "TILLFLOW_REPLAY_CHILD"

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

// child replays the file and tells each chunk on its output; each byte of its input lets it write one more.
func child(args []string) error {
	w, ps := decode(fmt.Sprintf(numbered, ""))
	if len(ps) > 0 {
		return fmt.Errorf("%v", ps)
	}
	j, err := New("replay.shop", w, Deps{Brokers: strings.Split(args[1], ","), Dir: args[0]})
	if err != nil {
		return err
	}
	_, err = j.Run(context.Background(), run.Input{Drain: time.Minute, Progress: func(p run.Progress) {
		fmt.Println(p.Rows)
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test lets it go on, or lets go of it
	}})
	return err
}

// However often the process is killed while it writes, each row is in the log once.
func TestKilledProcessRepeatsNothingAndLeavesNothingOut(t *testing.T) {
	t.Parallel()
	const rows = 180_000
	brokers := broker(t)
	dir := write(t, rowsOf(rows))
	rng := rand.New(rand.NewPCG(7, 8))
	kills := 0
	for done := false; !done; {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir+"\n"+strings.Join(brokers, ","))
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
		if bufio.NewScanner(out).Scan() && kills < 3 {
			if _, err := in.Write([]byte(".")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(15)) * time.Millisecond)
			_ = cmd.Process.Kill()
		}
		_ = in.Close() // one that lives goes on to its end
		if done = cmd.Wait() == nil; !done {
			kills++
		}
		if kills > 20 {
			t.Fatal("it never comes to its end by itself")
		}
	}
	if kills != 3 {
		t.Errorf("%d kills", kills)
	}
	check(t, brokers, rows)
}
