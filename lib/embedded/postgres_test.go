//go:build unix

package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/embedded"
	"tillflow/lib/pgtest"
)

func startPostgres(t *testing.T, cfg embedded.PostgresConfig) *embedded.Postgres {
	t.Helper()
	pg, err := embedded.StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.WithoutCancel(t.Context())) })
	return pg
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn := connect(t, url)
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func queryText(t *testing.T, url, query string) string {
	t.Helper()
	var text string
	if err := connect(t, url).QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func TestPostgresKeepsDataOverARestart(t *testing.T) {
	t.Parallel()
	state := filepath.Join(pgtest.StateDir(t), "not made", "yet")
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	execute(t, pg.SocketURL(), "create table kept (note text)", "insert into kept values ('here')")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-pg.Done()
	if err := pg.Err(); err != nil {
		t.Errorf("after a Stop: %v", err)
	}

	pg = startPostgres(t, embedded.PostgresConfig{State: state, Port: pg.Port()})
	if got := queryText(t, pg.URL(), "select note from kept"); got != "here" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestPostgresServesTheDatabaseItIsAskedFor(t *testing.T) {
	t.Parallel()
	state := filepath.Join(pgtest.StateDir(t), `a, "b"`) // marks in lists of folders and of hosts
	pg := startPostgres(t, embedded.PostgresConfig{State: state, Database: "Sales 2025"})
	const about = `select concat_ws(' ', current_database(), current_user, pg_encoding_to_char(encoding), datcollate,
		current_setting('timezone'), current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('shared_buffers'), current_setting('max_wal_size'))
		from pg_database where datname = current_database()`
	want := "Sales 2025 postgres UTF8 C.UTF-8 UTC on on 128MB 1GB"
	for _, address := range []string{pg.URL(), pg.SocketURL()} {
		got := queryText(t, address, about)
		if got = strings.Replace(got, "UTF8 C UTC", "UTF8 C.UTF-8 UTC", 1); got != want { // macOS has no C.UTF-8
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// Postgres reads our settings first, so a user's own lines in postgresql.conf win.
func TestPostgresConfOfTheUserWins(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	conf := queryText(t, pg.SocketURL(), "select current_setting('config_file')")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("work_mem = 5MB\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	pg = startPostgres(t, embedded.PostgresConfig{State: state})
	if got := queryText(t, pg.SocketURL(), "select current_setting('work_mem')"); got != "5MB" {
		t.Errorf("work_mem is %s, want the user's 5MB", got)
	}
}

func TestPasswordIsPrivateAndNeeded(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})

	info, err := os.Stat(pg.PassFile())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password file has mode %04o, want 0600", info.Mode().Perm())
	}
	text, err := os.ReadFile(pg.PassFile())
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(strings.Split(strings.Split(string(text), "\n")[0], ":")[4])
	if len(password) < 20 {
		t.Errorf("a password of %d letters", len(password))
	}
	if strings.Contains(pg.URL()+pg.SocketURL(), password) {
		t.Error("an address holds the password")
	}

	for name, given := range map[string]string{"none": "", "wrong": "guessed"} {
		cfg, err := pgx.ParseConfig(pg.URL())
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Password != password {
			t.Fatal("the address does not lead to the password")
		}
		cfg.Password = given
		_, err = pgx.ConnectConfig(t.Context(), cfg)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "28P01" {
			t.Errorf("%s password over TCP: %v, want 28P01", name, err)
		}
	}
	if got := queryText(t, pg.SocketURL(), "select left(rolpassword, 13) from pg_authid where rolname = 'postgres'"); got != "SCRAM-SHA-256" {
		t.Errorf("the password is stored as %s", got)
	}
}

// psql as the README shows it.
func TestPsqlReadsThePasswordFile(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, embedded.PostgresConfig{State: pgtest.StateDir(t)})
	// Beside the server, or on PATH where the server comes without it.
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Logf("no psql on this machine (%v): the same file through pgx, in its place", err)
		t.Setenv("PGPASSFILE", pg.PassFile())
		connect(t, "postgres://postgres@localhost:"+strconv.Itoa(pg.Port())+"/retaildb")
		return
	}
	cmd := exec.CommandContext(t.Context(), psql, "-h", "localhost", "-p", strconv.Itoa(pg.Port()), "-U", "postgres", "-d", "retaildb", "-wAtc", "select 6*7")
	cmd.Env = append(os.Environ(), "PGPASSFILE="+pg.PassFile())
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "42\n" {
		t.Errorf("psql: %v %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), psql, pg.URL(), "-wAtc", "select 6*7")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "42\n" {
		t.Errorf("psql %s: %v %s", pg.URL(), err, out)
	}
}

// A user who loses the password file gets a new password and keeps the data.
func TestLostPasswordIsReplaced(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	old, err := os.ReadFile(pg.PassFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pg.Stop(t.Context()), os.Remove(pg.PassFile())); err != nil {
		t.Fatal(err)
	}
	pg = startPostgres(t, embedded.PostgresConfig{State: state})
	connect(t, pg.URL())
	now, err := os.ReadFile(pg.PassFile())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(old, now) {
		t.Error("the lost password is back")
	}
}

func TestSocketFolderIsClosedToOthers(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(pgtest.StateDir(t), strings.Repeat("a-rather-long-name/", 6))
	for name, state := range map[string]string{"short": pgtest.StateDir(t), "too_long_for_a_socket": deep} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var folders []string
			for range 2 { // the second start uses the first one's folder
				pg := startPostgres(t, embedded.PostgresConfig{State: state})
				u, err := url.Parse(pg.SocketURL())
				if err != nil {
					t.Fatal(err)
				}
				folder := u.Query().Get("host")
				info, err := os.Stat(folder)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm() != 0o700 {
					t.Errorf("%s has mode %04o, want 0700", folder, info.Mode().Perm())
				}
				connect(t, pg.SocketURL())
				folders = append(folders, folder)
				if err := pg.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if folders[0] != folders[1] {
				t.Errorf("another folder at each start: %q", folders)
			}
			t.Cleanup(func() { _ = os.RemoveAll(folders[0]) })
		})
	}
}

func TestPostgresRefusesATakenPort(t *testing.T) {
	t.Parallel()
	_, port := listen(t)
	state := pgtest.StateDir(t)
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state, Port: port})
	var taken *embedded.PortTakenError
	if !errors.As(err, &taken) || taken.Port != port || taken.Service != "Postgres" {
		t.Fatalf("got %v, want a PortTakenError for %d", err, port)
	}
	startPostgres(t, embedded.PostgresConfig{State: state}) // the failed start has let go of the folder
}

func TestPostgresRefusesAFolderInUse(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state})
	var used *embedded.InUseError
	if !errors.As(err, &used) || used.PID != os.Getpid() {
		t.Fatalf("got %v, want an InUseError of process %d", err, os.Getpid())
	}
	connect(t, pg.URL()) // and the first is not disturbed
}

func TestFailedStartQuotesTheServer(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	conf := queryText(t, pg.SocketURL(), "select current_setting('config_file')")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("shared_bufers = 1MB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state})
	if err == nil || !strings.Contains(err.Error(), "shared_bufers") || !strings.Contains(err.Error(), filepath.Join(state, "postgres.log")) {
		t.Errorf("the error does not quote the server's log: %v", err)
	}
}

func TestConfiguredFolderWithoutAServerIsAnError(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: pgtest.StateDir(t), BinDir: empty})
	if err == nil || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "TILLFLOW_POSTGRES_BIN") {
		t.Errorf("got %v", err)
	}
}

// As root the server runs as another user, who may be unable to enter the state folder: the data goes elsewhere and is
// found again. For any other user there is nothing to avoid, and the data is where it always is.
func TestPostgresOfRootInAClosedFolder(t *testing.T) {
	t.Parallel()
	closed := pgtest.StateDir(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(closed, "state")
	var places []string
	for range 2 {
		pg := startPostgres(t, embedded.PostgresConfig{State: state})
		data := queryText(t, pg.SocketURL(), "select current_setting('data_directory')")
		places = append(places, data)
		info, err := os.Stat(data)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner == 0 {
			t.Errorf("%s belongs to root", data)
		}
		inState := strings.HasPrefix(data, state+"/")
		if root := os.Geteuid() == 0; root == inState {
			t.Errorf("root: %v, data in %s, state folder %s", root, data, state)
		}
		connect(t, pg.URL())
		if err := pg.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if places[0] != places[1] {
		t.Errorf("the second start uses another place: %q", places)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(places[0])) })

	if os.Geteuid() == 0 {
		if err := os.RemoveAll(filepath.Dir(places[0])); err != nil {
			t.Fatal(err)
		}
		_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state})
		if err == nil || !strings.Contains(err.Error(), "start anew") {
			t.Errorf("the data has gone, and the start says %v", err)
		}
	}
}

func TestServerThatDiesIsReported(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	pg := startPostgres(t, embedded.PostgresConfig{State: pgtest.StateDir(t), Log: slog.New(slog.NewTextHandler(&log, nil))})
	pid := postmaster(t, pg)
	if err := pg.Err(); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-pg.Done():
	case <-time.After(time.Minute):
		t.Fatal("Done is not closed")
	}
	if err := pg.Err(); err == nil || !strings.Contains(err.Error(), "immediate shutdown") {
		t.Errorf("Err does not quote the log: %v", err)
	}
	if !strings.Contains(log.String(), "Postgres ended by itself") {
		t.Errorf("not logged: %s", log.String())
	}
	if err := pg.Stop(t.Context()); err != nil {
		t.Errorf("Stop of a server that is gone: %v", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	state := pgtest.StateDir(t)
	if _, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: state}); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	startPostgres(t, embedded.PostgresConfig{State: state}) // and leaves nothing that is in the way
}

// postmaster returns the server's process id.
func postmaster(t *testing.T, pg *embedded.Postgres) int {
	t.Helper()
	text := queryText(t, pg.SocketURL(), "select pg_read_file('postmaster.pid')")
	pid, err := strconv.Atoi(strings.Split(text, "\n")[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// A server that was built with lz4 uses it, and another one starts all the same.
func TestPostgresCompressesFastWhereItCan(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, embedded.PostgresConfig{State: pgtest.StateDir(t)})
	const can = "select case when 'lz4' = any(enumvals) then 'lz4' else 'on' end from pg_settings where name = 'wal_compression'"
	want := queryText(t, pg.SocketURL(), can)
	if want == "on" {
		want = queryText(t, pg.SocketURL(), "select case when vartype = 'bool' then 'on' else 'pglz' end from pg_settings where name = 'wal_compression'")
	}
	if got := queryText(t, pg.SocketURL(), "select current_setting('wal_compression')"); got != want {
		t.Errorf("wal_compression is %s, want %s", got, want)
	}
}
