// Package pgtest gives every test a Postgres database of its own with the migrations applied, so that tests run against
// the real thing, side by side, without any set-up on the machine but a Postgres server package.
//
// One server is started for a test binary, at its first use, and forces nothing to disk. It ends with the test binary
// however that ends, and its files go with it. TILLFLOW_POSTGRES_BIN names the server to use, as for dag itself.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/embedded"
	"tillflow/lib/pg"
	"tillflow/sql"
)

// template is the database the others are copied from.
const template = "tillflow_template"

// Open returns a pool on a fresh, migrated database that only this test uses. Pool and database go at its end.
func Open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	db, err := pg.Open(t.Context(), URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL returns the address of a fresh, migrated database that only this test uses, for code that opens Postgres itself.
// The database goes at the test's end; sessions that are still open are closed then.
func URL(t testing.TB) string {
	t.Helper()
	return forTest(t, template)
}

// Empty returns the address of a database without any table, for tests of the migrations themselves.
func Empty(t testing.TB) string {
	t.Helper()
	return forTest(t, "template1")
}

// ForExample returns the address of a fresh, migrated database for an Example, which has no testing.TB. It goes with the
// server, at the end of the process.
func ForExample() string {
	name, err := create(context.Background(), template)
	if err != nil {
		panic(err)
	}
	return address(server.admin.Config().ConnString(), name)
}

// server is the one of this test binary; it is never stopped but by the end of the process.
var server struct {
	once  sync.Once
	admin *pgxpool.Pool // on database postgres
	err   error
}

var created atomic.Int64

// forTest makes a database that is dropped at the test's end.
func forTest(t testing.TB, from string) string {
	t.Helper()
	ctx := t.Context()
	name, err := create(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, err := server.admin.Exec(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("pgtest: drop the database: %v", err)
		}
	})
	return address(server.admin.Config().ConnString(), name)
}

func create(ctx context.Context, from string) (string, error) {
	server.once.Do(func() { server.admin, server.err = start() })
	if server.err != nil {
		return "", fmt.Errorf("pgtest: %w", server.err)
	}
	name := fmt.Sprintf("test_%d", created.Add(1))
	if _, err := server.admin.Exec(ctx, "create database "+name+" template "+from); err != nil {
		return "", fmt.Errorf("pgtest: make a database: %w", err)
	}
	return name, nil
}

// start starts the server and makes the template.
func start() (*pgxpool.Pool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	state, err := stateDir()
	if err != nil {
		return nil, err
	}
	server, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		State:    state,
		BinDir:   os.Getenv("TILLFLOW_POSTGRES_BIN"),
		Database: template,
		Scratch:  true,
	})
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, server.SocketURL()); err != nil {
		return nil, err
	}
	admin, err := pg.Open(ctx, address(server.SocketURL(), "postgres"))
	if err != nil {
		return nil, err
	}
	// Nobody may connect to it, for a database that is in use cannot be copied.
	_, err = admin.Exec(ctx, "alter database "+pgx.Identifier{template}.Sanitize()+" with is_template true allow_connections false")
	return admin, err
}

// StateDir returns a state folder for a test that starts embedded servers itself, deleted at the test's end. The folder
// of t.TempDir is closed to other users, and as root Postgres runs as one, so its data would land elsewhere and stay.
func StateDir(t testing.TB) string {
	t.Helper()
	dir, err := stateDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return dir
}

func stateDir() (string, error) {
	dir, err := os.MkdirTemp("", "tillflow-test-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func migrate(ctx context.Context, url string) error {
	db, err := pg.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = pg.Migrate(ctx, db, sql.Migrations)
	return err
}

// address returns the URL of another database on the same server.
func address(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // the embedded server made it
	}
	u.Path = "/" + database
	return u.String()
}
