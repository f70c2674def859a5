package pg_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// reading runs one query as a report cell would.
func reading(t *testing.T, r *pg.Reader, query string) (string, error) {
	t.Helper()
	var got string
	err := r.ReadOnly(t.Context(), time.Minute, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), query).Scan(&got) })
	return got, err
}

// Even the superuser's pipeline reads as a role that may do nothing but select.
func TestReaderMayOnlySelect(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if got := answer(t, db, "select rolsuper::text from pg_roles where rolname = current_user"); got != "true" {
		t.Fatal("the test is worth nothing as another user than the superuser")
	}
	r := pg.NewReader(db)
	for query, want := range map[string]string{
		"select current_user": "tillflow_reader", "select count(*)::text from transactions": "0", "select count(*)::text from dag.stream_offsets": "0",
		"select current_setting('transaction_read_only')": "on",
	} {
		if got, err := reading(t, r, query); err != nil || got != want {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
	if r.Warning() != "" {
		t.Error(r.Warning())
	}
	var pid int
	if err := db.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"select pg_read_file('/etc/passwd')", "select pg_ls_dir('.')::text", "select rolpassword from pg_authid where rolname = 'postgres'",
		fmt.Sprintf("select pg_terminate_backend(%d)::text", pid), "select pg_reload_conf()::text", "select pg_switch_wal()::text", "select lo_import('/etc/passwd')::text",
		"select pg_stat_reset()::text", "select passwd from pg_shadow", "select pg_create_restore_point('x')::text",
	} {
		if got, err := reading(t, r, query); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be") && !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: allowed: %q, %v", query, got, err)
		}
	}
	if got := answer(t, db, "select current_user"); got == "tillflow_reader" {
		t.Error("the role stays with the connection")
	}
}

// Tables made after the role, in schemas made after it too.
func TestReaderSeesNewTables(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := pg.NewReader(db)
	if _, err := reading(t, r, "select '1'"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "create table newer (n text); insert into newer values ('x'); create schema other; create table other.newer (n text); insert into other.newer values ('y')"); err != nil {
		t.Fatal(err)
	}
	if got, err := reading(t, r, "select n from newer"); err != nil || got != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := reading(t, r, "select n from other.newer"); err == nil {
		t.Error("a schema that nobody has granted can be read")
	}
	r.Again()
	if got, err := reading(t, r, "select n from other.newer"); err != nil || got != "y" {
		t.Errorf("after looking again: %q, %v", got, err)
	}
}

// A user who may not make roles reads as itself, is told so, and uses the role once somebody has granted it.
func TestReaderOfAPlainUser(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	user := fmt.Sprintf("plain_%d", time.Now().UnixNano())
	if _, err := db.Exec(t.Context(), fmt.Sprintf("create role %[1]s login password 'x'; grant all on schema public to %[1]s", user)); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/" + answer(t, db, "select current_database()")
	at.User = url.UserPassword(user, "x")
	plain := open(t, at.String())
	t.Cleanup(func() {
		plain.Close()
		if _, err := db.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf("drop owned by %[1]s; drop role %[1]s", user)); err != nil {
			t.Error(err)
		}
	})
	if _, err := plain.Exec(t.Context(), "create table mine (n text); insert into mine values ('m')"); err != nil {
		t.Fatal(err)
	}
	r := pg.NewReader(plain)
	if got, err := reading(t, r, "select n || ' ' || current_user from mine"); err != nil || got != "m "+user {
		t.Errorf("%q, %v", got, err)
	}
	if w := r.Warning(); !strings.Contains(w, "have an administrator run: create role tillflow_reader nologin") {
		t.Errorf("warning %q", w)
	}
	if _, err := reading(t, pg.NewReader(db), "select '1'"); err != nil { // the role is there
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "grant tillflow_reader to "+user); err != nil {
		t.Fatal(err)
	}
	r.Again()
	if got, err := reading(t, r, "select n || ' ' || current_user from mine"); err != nil || got != "m tillflow_reader" || r.Warning() != "" {
		t.Errorf("%q, %v, %q", got, err, r.Warning())
	}
}
