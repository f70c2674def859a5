package notebook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/notebook"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// readAs loads a report as jobs do: in a read-only transaction of a role that may only select.
func readAs(t testing.TB, db *pgxpool.Pool, b *notebook.Book, v notebook.Values) (*notebook.Data, error) {
	t.Helper()
	var d *notebook.Data
	err := pg.NewReader(db).ReadOnly(t.Context(), 0, func(tx pgx.Tx) (err error) {
		d, err = b.Snapshot(tx, at, at).Page(t.Context(), v)
		return err
	})
	return d, err
}

// What an sql cell must not do it cannot do, though the pipeline's own user is the superuser here: refused when the
// file is read, by the transaction, or by the role. Nothing is left of it, and the cells after it run in the same snapshot.
func TestCellsOnlyRead(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), `create table till (n int); insert into till values (1); create sequence numbers;
		create function add_one() returns int language sql as 'insert into till values (2) returning n';
		create function add_two() returns int language plpgsql as 'begin set transaction read write; insert into till values (3); return 1; end';
		create function end_it() returns int language plpgsql as 'begin commit; return 1; end'`); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		// when the file is read
		"insert into till values (9)":                                    "an sql cell only reads",
		"copy till to program 'touch /tmp/x'":                            "an sql cell only reads",
		"do $$ begin perform 1; end $$":                                  "an sql cell only reads",
		"set role postgres":                                              "an sql cell only reads",
		"commit":                                                         "an sql cell only reads",
		"explain analyze delete from till":                               "an sql cell only reads",
		"select set_config('role', 'none', true)":                        "set_config changes the session",
		"select \"set_config\"  ('role', 'none', true)":                  "set_config changes the session",
		"select SET_CONFIG/* x */('role', 'none', true)":                 "set_config changes the session",
		"select U&\"\\0073et_config\"('role', 'none', true)":             "can name any function unseen",
		"select set_config\f('role', 'none', true)":                      "set_config changes the session",
		"select 1 --\r, set_config('role', 'none', true)":                "set_config changes the session",
		"select E'a'\n'\\'', set_config('role', 'none', true), ''":       "set_config changes the session",
		"select e'a' -- x\n '\\'', set_config('role', 'none', true), ''": "set_config changes the session",
		"--\rset role none /*\nselect 1 */":                              "an sql cell only reads",
		"/* /* */ select */ prepare p as delete from till":               "an sql cell only reads",
		"select pg_advisory_lock(1)":                                     "holds a lock beyond the query",
		"select query_to_xml('select 1', true, true, '')":                "runs SQL that nobody has checked",
		"select * from dblink('dbname=x', 'drop table till') as x(n)":    "asks another database",
		// by the protocol
		"select 1; drop table till": "cannot insert multiple commands",
		// by the transaction
		"with gone as (delete from till returning n) select * from gone": "read-only transaction",
		"select add_one()":                  "read-only transaction",
		"select add_two()":                  "cannot set transaction read-write mode",
		"select end_it()":                   "invalid transaction termination",
		"select * from till for update":     "read-only transaction",
		"select n into elsewhere from till": "read-only transaction",
		"select nextval('numbers')":         "permission denied for sequence",
		"select setval('numbers', 5)":       "permission denied for sequence",
		"select lo_import('/etc/passwd')":   "lo_import",
		"select * from till as t, lateral (values (1)) as v(x), lateral (select add_one()) as y": "read-only transaction",
		// by the role
		"select pg_read_file('/etc/passwd')":              "permission denied for function pg_read_file",
		"select pg_read_binary_file('/etc/passwd')::text": "permission denied",
		"select * from pg_ls_dir('/')":                    "permission denied",
		"select lo_export(1, '/tmp/x')":                   "permission denied",
		"table pg_authid":                                 "permission denied for table pg_authid",
		"select usename, passwd from pg_shadow":           "permission denied",
		"select pg_reload_conf()":                         "permission denied",
		"select pg_switch_wal()":                          "permission denied",
		"select pg_stat_reset()":                          "permission denied",
		"select pg_create_physical_replication_slot('x')": "replication",
	} {
		t.Run(query, func(t *testing.T) {
			rep, problems := notebook.Parse("r.md", []byte("---\ntitle: T\n---\n~~~sql bad\n"+query+"\n~~~\n~~~sql good\nselect count(*) as n, current_user as who from till\n~~~\n{{ good.n }}\n"))
			if len(problems) > 0 {
				if !strings.Contains(problems[0].String(), want) || problems[0].Line != 5 && !strings.Contains(query, "\n") {
					t.Errorf("problem %s, want %q", problems[0], want)
				}
				return
			}
			d, err := readAs(t, db, notebook.NewBook(rep), nil)
			if err != nil {
				t.Fatal(err)
			}
			bad, good := d.Results["bad"], d.Results["good"]
			if bad.Err == nil || !strings.Contains(strings.ToLower(bad.Err.Msg), strings.ToLower(want)) {
				t.Errorf("error %v, want %q", bad.Err, want)
			}
			if good.Err != nil || good.Frame.Column("n").Text(0) != "1" || good.Frame.Column("who").Text(0) != "tillflow_reader" {
				t.Errorf("the next cell: %+v", good)
			}
		})
	}
	var n int
	var called bool
	if err := db.QueryRow(t.Context(), "select (select count(*) from till), is_called from numbers").Scan(&n, &called); err != nil || n != 1 || called {
		t.Errorf("%d rows, numbers taken: %t, %v", n, called, err)
	}
}

// A parameter is a value whatever stands in it: it never becomes part of the query.
func TestHostileParametersAreValues(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rep, problems := notebook.Parse("r.md", []byte(`---
title: T
params: { name: x, top: 2 }
---
~~~sql a
select :name as said, ':name' as quoted, :top + 1 as more, pg_typeof(:name)::text as of_text, pg_typeof(:top)::text as of_int
~~~
{{ a.said }}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, hostile := range []string{"'; drop table dim_stores; --", "$1", ":top", "' || current_user || '", "\\'; select 1", "x\ny", "{{ a.said }}", "\u202e<script>"} {
		v, err := rep.Read(map[string]string{"name": hostile, "top": "40"})
		if err != nil {
			t.Fatal(err)
		}
		d, err := readAs(t, db, notebook.NewBook(rep), v)
		if err != nil {
			t.Fatal(err)
		}
		f := d.Results["a"].Frame
		if f == nil {
			t.Fatal(d.Results["a"].Err)
		}
		got := fmt.Sprint(f.Column("said").Text(0), f.Column("quoted").Text(0), f.Column("more").Text(0), f.Column("of_text").Text(0), f.Column("of_int").Text(0))
		if want := fmt.Sprint(hostile, ":name", "41", "text", "bigint"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for name, given := range map[string]map[string]string{
		`r.md has no parameter "nam" (did you mean "name"?)`: {"nam": "x"},
		`parameter top: "x" is no whole number`:              {"top": "x"},
		"parameter name: \"a\\x00b\" holds a zero byte":      {"name": "a\x00b"},
	} {
		if _, err := rep.Read(given); err == nil || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// All cells of all pages of a rendering see one state of the database, whatever others commit in between.
func TestCellsSeeOneSnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), "create table seen (n int)"); err != nil {
		t.Fatal(err)
	}
	rep, problems := notebook.Parse("r.md", []byte("---\ntitle: T\nparams: { k: { default: a, choices: [a, b] } }\n---\n~~~sql first\nselect count(*) as n, :k as k from seen\n~~~\n"+
		"~~~sql second\nselect count(*) as n, :k as k from seen\n~~~\n{{ first.n }} {{ second.n }}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	err := pg.NewReader(db).ReadOnly(t.Context(), 0, func(tx pgx.Tx) error {
		s := notebook.NewBook(rep).Snapshot(tx, at, at)
		for _, k := range []string{"a", "b"} {
			if _, err := db.Exec(context.WithoutCancel(t.Context()), "insert into seen values (1)"); err != nil {
				return err
			}
			d, err := s.Page(t.Context(), notebook.Values{"k": k})
			if err != nil {
				return err
			}
			for _, cell := range []string{"first", "second"} {
				if got := d.Results[cell].Frame.Column("n").Text(0); got != "0" {
					t.Errorf("page %s, cell %s: %s rows", k, cell, got)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
