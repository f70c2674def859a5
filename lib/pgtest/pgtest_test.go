package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// With this variable the test binary is one that will be killed: it opens a database and waits.
const waitVariable = "TILLFLOW_TEST_WAIT"

func TestMain(m *testing.M) {
	if os.Getenv(waitVariable) != "" {
		if err := wait(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func wait(ctx context.Context) error {
	db, err := pg.Open(ctx, pgtest.ForExample())
	if err != nil {
		return err
	}
	var folder string
	if err := db.QueryRow(ctx, "select current_setting('data_directory')").Scan(&folder); err != nil {
		return err
	}
	fmt.Println(folder)
	select {}
}

func TestServerAndFilesGoWithAKilledTestBinary(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), waitVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	folder := strings.TrimSpace(line)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := os.Stat(folder)
		running, _ := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output()
		if errors.Is(err, fs.ErrNotExist) && !strings.Contains(string(running), folder) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v, running:\n%s", folder, err, running)
		}
	}
}

func TestOpenGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			_, err := db.Exec(t.Context(), "insert into dim_products values ('LAPTOP-001', 'Laptop', 'Electronics', 3999)")
			if err != nil {
				t.Fatal(err) // the other test's row would be in the way
			}
		})
	}
}

func TestDatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("test", func(t *testing.T) {
		db := pgtest.Open(t)
		if err := db.QueryRow(t.Context(), "select current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		// A connection the test forgets does not keep it.
		forgotten, err := pg.Open(t.Context(), db.Config().ConnString())
		if err != nil {
			t.Fatal(err)
		}
		_ = forgotten
	})
	var there bool
	db := pgtest.Open(t)
	if err := db.QueryRow(t.Context(), "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if name == "" || there {
		t.Errorf("database %q is still there", name)
	}
}
