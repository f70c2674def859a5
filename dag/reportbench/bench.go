// Package reportbench measures what a report costs: its queries over many transactions, the building of its page, its
// size, and, where there is a browser, how soon it is painted and how long a refresh keeps it busy. It makes a shop's data
// in a Postgres of its own, whose folder is gone afterwards.
package reportbench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow"
	"tillflow/lib/cputime"
	"tillflow/lib/embedded"
	"tillflow/lib/notebook"
	"tillflow/lib/pg"
	"tillflow/sql"
)

// Config says what to measure.
type Config struct {
	Rows   int           // transactions in the database
	Rounds int           // the best of so many is told
	Report string        // a report file; "" is the dashboard that the program carries
	Idle   time.Duration // how long 100 open pages are watched; 0 leaves them out
	Say    func(string)  // told what is measured next, and what cannot be
	Log    *slog.Logger  // of the database
}

// Check finds settings that measure nothing.
func (c Config) Check() error {
	switch {
	case c.Rows < 1000:
		return fmt.Errorf("--rows is %d, it must be 1000 or more", c.Rows)
	case c.Rounds < 1:
		return fmt.Errorf("--rounds is %d, it must be 1 or more", c.Rounds)
	case c.Idle < 0:
		return fmt.Errorf("--idle-time is %s, it must not be negative", c.Idle)
	}
	return nil
}

// bench is a Run in hand.
type bench struct {
	Config
	dir    string
	db     *pgxpool.Pool
	server int // process of Postgres, 0 where the system does not tell
	until  time.Time
	report *notebook.Report
	data   *notebook.Data // of the last round of queries
	page   []byte
	out    Result
}

// Run measures everything and returns what came out, also what came out before something went wrong.
func Run(ctx context.Context, cfg Config) (res Result, err error) {
	dir, err := os.MkdirTemp("", "tillflow-bench-")
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return res, err
	}
	b := &bench{Config: cfg, dir: dir, until: time.Now().UTC().Truncate(time.Second), out: Result{Goals: goals}}
	if err := b.open(); err != nil {
		return res, err
	}
	cfg.Say("starting Postgres")
	server, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: filepath.Join(dir, "postgres"), Log: cfg.Log, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if b.db, err = pg.Open(ctx, server.SocketURL()); err != nil {
		return res, err
	}
	defer b.db.Close()
	if err := b.fill(ctx); err != nil {
		return res, err
	}
	for _, measure := range []func(context.Context) error{b.queries, b.build, b.browser, b.pages} {
		if err := measure(ctx); err != nil {
			return b.out, err
		}
	}
	return b.out, nil
}

// open reads the report.
func (b *bench) open() error {
	dir, file := "", b.Report
	if file == "" {
		dir, file = filepath.Join(b.dir, "project"), "reports/dashboard.md"
		if err := unpack(dir); err != nil {
			return err
		}
	}
	rep, problems, err := notebook.Open(dir, filepath.ToSlash(file))
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s has mistakes; dag report validate shows them: %s", file, problems[0])
	}
	b.report, b.out.Report = rep, file
	return nil
}

// unpack writes the reports that the program carries into a folder.
func unpack(dir string) error {
	return fs.WalkDir(tillflow.Files, "reports", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := fs.ReadFile(tillflow.Files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
}

// fill makes the shop.
func (b *bench) fill(ctx context.Context) error {
	if _, err := pg.Migrate(ctx, b.db, sql.Migrations); err != nil {
		return err
	}
	var session int
	if err := b.db.QueryRow(ctx, "select pg_backend_pid()").Scan(&session); err != nil {
		return err
	}
	b.server = cputime.Parent(session)
	begun := time.Now()
	if err := Fill(ctx, b.db, Data{Rows: b.Rows, Until: b.until, Seed: 42, Say: b.Say}); err != nil {
		return err
	}
	b.out.Rows, b.out.FillSeconds = b.Rows, time.Since(begun).Seconds()
	return nil
}

// spent is what something took.
type spent struct{ wall, own, server time.Duration }

// best runs something several times and tells what the fastest took.
func (b *bench) best(ctx context.Context, rounds int, run func() error) (least spent, err error) {
	for i := range rounds {
		if err := ctx.Err(); err != nil {
			return least, context.Cause(ctx)
		}
		own, server, begun := cputime.Own(), b.serverTime(), time.Now()
		if err := run(); err != nil {
			return least, err
		}
		s := spent{time.Since(begun), cputime.Own() - own, b.serverTime() - server}
		if i == 0 || s.wall < least.wall {
			least = s
		}
	}
	return least, nil
}

func (b *bench) serverTime() time.Duration {
	if b.server == 0 {
		return 0
	}
	return cputime.Family(b.server)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
