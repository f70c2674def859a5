package pg

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// migrationLock is the advisory lock one migrating process holds: the letters "tillflow" as a number.
const migrationLock int64 = 0x74696c6c666c6f77

// migration is one file: 0002_retail.sql has version 2 and name retail.
type migration struct {
	version        int
	name, file     string
	text, checksum string
}

// Migrate applies the migrations the database does not have yet, in the order of their numbers, and returns how many
// it applied. migrations hold files NNNN_name.sql; other files are left alone. A file in one stands for a file of the same
// name in those before it.
//
// One process works at a time and the others wait, so any number may call it at once. Each file is a transaction of
// its own together with its row in dag.migrations, so a failure leaves the ones before it applied and nothing of the
// one that failed. A file that was changed after it was applied, and a database that is newer than this program, are
// errors: nothing is applied then. A file that only got another number after it was applied is known by its name and its
// text, and the database learns the number.
func Migrate(ctx context.Context, db *pgxpool.Pool, migrations ...fs.FS) (applied int, err error) {
	files, err := readMigrations(migrations)
	if err != nil {
		return 0, err
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", migrationLock); err != nil {
		return 0, fmt.Errorf("wait for another process that migrates: %w", err)
	}
	defer func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, e := conn.Exec(back, "select pg_advisory_unlock($1)", migrationLock); e != nil {
			_ = conn.Conn().Close(back) // the lock ends with the session
		}
	}()
	pending, err := pendingMigrations(ctx, conn.Conn(), files)
	if err != nil {
		return 0, err
	}
	for _, m := range pending {
		if err := apply(ctx, conn.Conn(), m); err != nil {
			return applied, err
		}
		applied++
	}
	return applied, nil
}

var migrationName = regexp.MustCompile(`^(\d{4,})_(\w+)\.sql$`)

func readMigrations(dirs []fs.FS) ([]migration, error) {
	from := map[string]fs.FS{} // the last folder that has a file
	for _, dir := range dirs {
		entries, err := fs.ReadDir(dir, ".")
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		for _, e := range entries {
			from[e.Name()] = dir
		}
	}
	var all []migration
	for name, dir := range from {
		parts := migrationName.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		version, err := strconv.Atoi(parts[1])
		if err != nil {
			return nil, fmt.Errorf("read migrations: %s: %w", name, err)
		}
		raw, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		// A checkout that ends its lines in another way is not another migration.
		text := strings.ReplaceAll(string(raw), "\r\n", "\n")
		sum := sha256.Sum256([]byte(text))
		all = append(all, migration{version, parts[2], name, text, hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b migration) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.file, b.file))
	})
	for i := 1; i < len(all); i++ {
		if all[i].version == all[i-1].version {
			return nil, fmt.Errorf("read migrations: %s and %s have the same number: give one the next free number",
				all[i-1].file, all[i].file)
		}
	}
	return all, nil
}

// pendingMigrations compares the files with what the database has.
func pendingMigrations(ctx context.Context, conn *pgx.Conn, files []migration) ([]migration, error) {
	const table = `
		create schema if not exists dag;
		create table if not exists dag.migrations (
			version    integer     primary key,
			name       text        not null,
			checksum   text        not null,  -- sha256 of the file
			applied_at timestamptz not null default clock_timestamp()
		)`
	if _, err := conn.Exec(ctx, table); err != nil {
		return nil, fmt.Errorf("make table dag.migrations: %w", err)
	}
	rows, err := conn.Query(ctx, "select version, name, checksum, applied_at from dag.migrations order by version")
	if err != nil {
		return nil, fmt.Errorf("read dag.migrations: %w", err)
	}
	type row struct {
		Version        int
		Name, Checksum string
		AppliedAt      time.Time
	}
	done, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("read dag.migrations: %w", err)
	}
	pending := slices.Clone(files)
	var renumber [][2]int // from, to
	var errs []error
	for _, d := range done {
		i := slices.IndexFunc(pending, func(m migration) bool { return m.version == d.Version })
		if moved := slices.IndexFunc(pending, func(m migration) bool { return m.name == d.Name && m.checksum == d.Checksum }); moved >= 0 && moved != i {
			renumber = append(renumber, [2]int{d.Version, pending[moved].version})
			pending = slices.Delete(pending, moved, moved+1)
			continue
		}
		if i < 0 {
			errs = append(errs, fmt.Errorf("the database has migration %04d_%s (of %s), which this program does not know: "+
				"use the version of the program that applied it, or a newer one", d.Version, d.Name, d.AppliedAt.Format(time.DateTime)))
			continue
		}
		if m := pending[i]; m.checksum != d.Checksum {
			errs = append(errs, fmt.Errorf("migration %s was changed after it was applied at %s: "+
				"restore the file and put the change into a new migration", m.file, d.AppliedAt.Format(time.DateTime)))
		}
		pending = slices.Delete(pending, i, i+1)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, n := range renumber {
		if _, err := conn.Exec(ctx, "update dag.migrations set version = $2 where version = $1", n[0], n[1]); err != nil {
			return nil, fmt.Errorf("give migration %04d its new number %04d: %w", n[0], n[1], err)
		}
	}
	return pending, nil
}

// apply runs one file and records it, both or neither.
func apply(ctx context.Context, conn *pgx.Conn, m migration) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The simple protocol takes a file of many statements.
		if err := conn.PgConn().Exec(ctx, m.text).Close(); err != nil {
			return placed(m, err)
		}
		if conn.PgConn().TxStatus() != 'T' {
			return fmt.Errorf("migration %s: it ends its transaction itself: leave out begin, commit and rollback", m.file)
		}
		_, err := tx.Exec(ctx, "insert into dag.migrations (version, name, checksum) values ($1, $2, $3)",
			m.version, m.name, m.checksum)
		return err
	})
	if err != nil && !strings.HasPrefix(err.Error(), "migration ") {
		err = fmt.Errorf("migration %s: %w", m.file, err)
	}
	return err
}

// placed adds the line of the file at which Postgres found the error.
func placed(m migration, err error) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.Position < 1 {
		return fmt.Errorf("migration %s: %w", m.file, err)
	}
	text := []rune(m.text) // the position counts characters
	before := string(text[:min(int(answer.Position)-1, len(text))])
	return fmt.Errorf("migration %s:%d: %w", m.file, 1+strings.Count(before, "\n"), err)
}
