package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/pg"
	"tillflow/sql"
)

// ownNumbers is where the numbers of a project's own migrations begin. Those below are this program's, of which a newer
// one has more.
const ownNumbers = 1001

// migrate brings the database up to date: with the migrations that are built in, which the engine and its jobs need
// whatever the project is, and with those in sql/migrations beside the dagfile. A file there with the name of one that is
// built in stands for it, so that the shop's tables can be made into one's own before they exist; what the folder does
// not have comes from the program, so that a copy made by an older program holds a newer one back in nothing.
func migrate(ctx context.Context, db *pgxpool.Pool, dir string, log *slog.Logger) error {
	folder := filepath.Join(dir, "sql", "migrations")
	own, lacks, err := ownMigrations(folder, sql.Migrations)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if own == nil {
		_, err = pg.Migrate(ctx, db, sql.Migrations)
		return err
	}
	applied, err := pg.Migrate(ctx, db, sql.Migrations, own)
	if applied > 0 && len(lacks) > 0 {
		log.Info("the project's copy of the migrations is older than this program; those it lacks were taken from the program", "folder", folder, "lacks", strings.Join(lacks, " "))
	}
	return err
}

var migrationNumber = regexp.MustCompile(`^(\d{4,})_(\w+)\.sql$`)

// ownMigrations are those in a project's folder; nil when it has no such folder. lacks are the ones of the program that a
// folder with copies of some does not have.
func ownMigrations(folder string, builtIn fs.FS) (own fs.FS, lacks []string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the project's migrations: %w", err)
	}
	lacks, err = fs.Glob(builtIn, "*.sql")
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	copies := false
	for _, e := range entries {
		if i := slices.Index(lacks, e.Name()); i >= 0 {
			lacks, copies = slices.Delete(lacks, i, i+1), true
			continue
		}
		m := migrationNumber.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if n, err := strconv.Atoi(m[1]); err == nil && n < ownNumbers {
			errs = append(errs, fmt.Errorf("%s: numbers below %d are kept for this program's migrations, and it has none of this name: "+
				"call yours %d_%s.sql, which runs nothing again that the database has; or, if a newer program wrote the file, use that",
				filepath.Join(folder, e.Name()), ownNumbers, ownNumbers-1+n, m[2]))
		}
	}
	if !copies {
		lacks = nil
	}
	return os.DirFS(folder), lacks, errors.Join(errs...)
}
