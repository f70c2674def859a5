package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/event"
	"tillflow/sql"
)

// sinks are the tables a stream writes, and the statements that write them. Fixed after prepare.
type sinks struct {
	schema  *event.Schema
	raw     table
	windows []*windowSink
	rollups []*rollupSink
	refs    []reference
	late    bool  // late rows are added to their windows
	skew    int64 // microseconds an event may be ahead of its message's time in the log

	// insert takes the staged rows that are new: one row back for each, its place in the batch.
	insert string
	// stage makes the temporary table for it.
	stage string
	// conflicts finds the others whose values are not those of the row with their key; may be empty.
	conflicts string

	// silence: foreign keys need no trigger in the writers' sessions, for the stream checks them itself.
	silence bool
}

// stageTable holds a batch with repeated keys; stageRow is the row's place in the batch.
const (
	stageTable = "tillflow_stage"
	stageRow   = "tillflow_row"
)

// reference is a dimension whose keys are checked for each batch.
type reference struct {
	event.Reference
	col  int    // in the batch's record
	name string // of that column
	sql  string // locks the keys that exist and returns them

	exist string // returns the keys that exist, as text, without a lock
}

// need names a key of the dimension that is missing, as in dim_products.product_id=LAPTOP-999.
func (r reference) need(key any) string { return fmt.Sprintf("%s.%s=%v", r.Table, r.Column, key) }

// newSinks turns a checked With into sinks.
func newSinks(w With) (*sinks, error) {
	fields, err := w.fields()
	if err != nil {
		return nil, err
	}
	schema, err := event.NewSchema(fields)
	if err != nil {
		return nil, err
	}
	s := &sinks{schema: schema, late: w.Late == "include", skew: w.MaxSkew.Microseconds()}
	byColumn := map[string]column{}
	var columns []column
	for i, f := range schema.Arrow().Fields() {
		c := column{name: f.Name, typ: f.Type, length: fields[i].MaxLength, nullable: fields[i].Nullable, ref: fields[i].References}
		columns = append(columns, c)
		byColumn[f.Name] = c
		if c.ref != nil {
			s.refs = append(s.refs, reference{Reference: *c.ref, col: i, name: f.Name, sql: shareKeys(*c.ref, f.Type), exist: existKeys(*c.ref, f.Type)})
		}
	}
	for _, e := range w.Sinks.Entries {
		if e.Value.Append != "" {
			s.raw = table{name: e.Key, columns: columns, key: e.Value.Key}
			continue
		}
		if e.Value.Rollup != nil {
			r, err := newRollupSink(e.Key, e.Value, schema, byColumn)
			if err != nil {
				return nil, err
			}
			s.rollups = append(s.rollups, r)
			continue
		}
		win, err := newWindowSink(e.Key, e.Value, schema, byColumn, s.late)
		if err != nil {
			return nil, err
		}
		s.windows = append(s.windows, win)
	}
	for _, r := range s.rollups {
		r.bind(s.raw, schema.Arrow(), byColumn)
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	cols, key := quoteAll(names), quoteAll(s.raw.key)
	s.stage = fmt.Sprintf("create temporary table if not exists %s on commit delete rows as select %s, 0::bigint as %s from %s with no data",
		stageTable, cols, stageRow, quote(s.raw.name))
	s.insert = fmt.Sprintf("with new as (insert into %[1]s (%[2]s) select %[2]s from %[3]s order by %[4]s on conflict do nothing returning %[5]s)\n"+
		"select min(%[4]s) from %[3]s join new using (%[5]s) group by %[5]s", quote(s.raw.name), cols, stageTable, stageRow, key)
	s.conflicts = conflictsOf(s.raw, names)
	return s, nil
}

// shareKeys locks the given keys of a dimension as a foreign key's trigger would, until the transaction ends, and
// returns those that exist. Sorted, so that two writers cannot wait for each other.
func shareKeys(r event.Reference, t arrow.DataType) string {
	typ := "text"
	if t.ID() == arrow.INT64 {
		typ = "bigint"
	}
	return fmt.Sprintf("select %[1]s::%[3]s from %[2]s where %[1]s = any($1::%[3]s[]) order by %[1]s for key share",
		quote(r.Column), quote(r.Table), typ)
}

// existKeys returns those of the given keys that a dimension has.
func existKeys(r event.Reference, t arrow.DataType) string {
	typ := "text"
	if t.ID() == arrow.INT64 {
		typ = "bigint"
	}
	return fmt.Sprintf("select %[1]s::text from %[2]s where %[1]s = any($1::%[3]s[])", quote(r.Column), quote(r.Table), typ)
}

// tables are all the tables: the raw one, those of windows, rollups.
func (s *sinks) tables() []table {
	ts := []table{s.raw}
	for _, w := range s.windows {
		ts = append(ts, w.table)
	}
	for _, r := range s.rollups {
		ts = append(ts, r.table)
	}
	return ts
}

// prepare makes or compares the tables, before anything is read. It returns what keeps the foreign keys on triggers, or
// nothing when the writers' sessions can do without.
func (s *sinks) prepare(ctx context.Context, db *pgxpool.Pool, job string) (slow string, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// Two processes may start at once; the second one finds what the first one made.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext('tillflow: make tables'))"); err != nil {
			return err
		}
		var all []error
		collect := func(err error) error { // so that all differences are told at once
			var differs *differsError
			if errors.As(err, &differs) {
				all = append(all, err)
				return nil
			}
			return err
		}
		_, err := s.raw.ensure(ctx, tx)
		if err := collect(err); err != nil {
			return err
		}
		for _, w := range s.windows {
			have, err := w.table.ensure(ctx, tx)
			if err := collect(err); err != nil {
				return err
			}
			w.bind(have)
		}
		for _, r := range s.rollups {
			if err := collect(r.prepare(ctx, tx, job)); err != nil {
				return err
			}
		}
		if len(all) > 0 {
			return errors.Join(all...)
		}
		if err := s.leave(ctx, tx, job); err != nil || len(s.rollups) == 0 {
			return err
		}
		return s.timeIndex(ctx, tx)
	})
	if err != nil {
		return "", err
	}
	slow, err = s.unsilenced(ctx, db)
	s.silence = err == nil && slow == ""
	return slow, err
}

// unsilenced says why the writers' sessions must let triggers fire; empty when they need not.
func (s *sinks) unsilenced(ctx context.Context, db *pgxpool.Pool) (string, error) {
	for _, t := range s.tables() {
		var cols, dims, dimCols []string
		for _, c := range t.columns {
			if c.ref != nil {
				cols, dims, dimCols = append(cols, c.name), append(dims, quote(c.ref.Table)), append(dimCols, c.ref.Column)
			}
		}
		rows, err := db.Query(ctx, sql.Query("stream_triggers"), quote(t.name), cols, dims, dimCols)
		if err != nil {
			return "", err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return "", err
		}
		if len(names) > 0 {
			return fmt.Sprintf("table %s has %s, which the stream does not check itself; a foreign key is checked when its field has references:",
				t.name, strings.Join(names, ", ")), nil
		}
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, "set local session_replication_role = replica")
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "42501" {
		return "the Postgres user may not set session_replication_role; " +
			"a superuser can allow it: grant set on parameter session_replication_role to " + quote(conn.Conn().Config().User), nil
	}
	return "", err
}

// session opens a writer's own connection. name tells people in pg_stat_activity what it is for.
func (s *sinks) session(ctx context.Context, db *pgxpool.Pool, name string) (*pgx.Conn, error) {
	cfg := db.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = name[:min(len(name), maxName)]
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["lock_timeout"] = fmt.Sprint(lockTimeout.Milliseconds())
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(idleTimeout.Milliseconds())
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if s.silence {
		if _, err := conn.Exec(ctx, "set session_replication_role = replica"); err != nil {
			_ = conn.Close(ctx)
			return nil, err
		}
	}
	return conn, nil
}

// Bounds of a writer's session. A lock that is not had in time, or a transaction whose process has stalled, gives up
// what it holds; the batch is tried again.
const (
	lockTimeout    = 20 * time.Second
	idleTimeout    = time.Minute
	connectTimeout = 10 * time.Second
)
