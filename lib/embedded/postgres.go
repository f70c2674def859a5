//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresConfig says how the embedded Postgres runs.
type PostgresConfig struct {
	State    string       // state folder, made when missing; see the package comment for what is in it
	Port     int          // on 127.0.0.1; 0 takes any free one, another at each start
	BinDir   string       // folder of the programs postgres and initdb; "" looks for them (TILLFLOW_POSTGRES_BIN)
	Database string       // made when missing; default retaildb
	Log      *slog.Logger // default: discard

	// Scratch is for tests: nothing is ever forced to disk, and the state folder is deleted when the server ends, also
	// when that is because this process was killed.
	Scratch bool
}

func (c PostgresConfig) withDefaults() PostgresConfig {
	if c.Database == "" {
		c.Database = "retaildb"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// fastStop is how long the checkpoint of a stop may take.
const fastStop = 20 * time.Second

// Postgres is a running server. Its user is postgres, a superuser.
type Postgres struct {
	cfg      PostgresConfig
	place    place
	socket   string // folder
	port     int
	logStart int64 // size of the log before this start
	child    *child
	done     chan struct{}
	stopOnce sync.Once
	stopErr  error
	asked    chan struct{} // closed when Stop is called
}

// StartPostgres starts a server and returns when a query on the database succeeds; after a crash that includes the
// recovery. The first start makes the data, in about a second. The server ends with this process.
//
// A port in use is a *PortTakenError, a state folder in use an *InUseError; a machine without a server gets an error
// that tells how to install one.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.State, 0o755); err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	state, err := filepath.Abs(cfg.State)
	if err == nil {
		state, err = filepath.EvalSymlinks(state)
	}
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	cfg.State = state
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	p, err := findPlace(state, acct)
	if err != nil {
		return nil, startError("Postgres", err)
	}
	pg := &Postgres{cfg: cfg, place: p, done: make(chan struct{}), asked: make(chan struct{})}
	if err := pg.start(ctx); err != nil {
		if pg.child != nil {
			_ = pg.Stop(context.WithoutCancel(ctx)) // the error that matters is the first
		} else {
			p.release()
			_ = pg.removeScratch()
		}
		return nil, startError("Postgres", err)
	}
	return pg, nil
}

func (pg *Postgres) start(ctx context.Context) error {
	if err := stopOrphan(ctx, pg.place); err != nil {
		return err
	}
	major, err := dataMajor(pg.place)
	if err != nil {
		return err
	}
	if pg.port, err = claimPort(ctx, pg.cfg.Port, "Postgres"); err != nil {
		return err // before the slow part
	}
	b, err := findBinaries(ctx, pg.cfg.BinDir, major, pg.place.acct)
	if err != nil {
		return err
	}
	password, err := readPassword(pg.PassFile())
	if err != nil {
		return err
	}
	lost := password == ""
	if lost {
		password = newPassword()
	}
	if major == 0 {
		if err := initData(ctx, pg.place, b, password); err != nil {
			return err
		}
		pg.cfg.Log.Info("database made", "folder", pg.place.data(), "version", b.major, "user", pg.place.acct.name)
	}
	var more string
	if pg.cfg.Scratch {
		more = scratchSettings // no whole pages in the log, so none to compress
	} else if compressesFast(ctx, b, pg.place) {
		more = fastCompression
	}
	if err := writeSettings(pg.place, more); err != nil {
		return err
	}
	if pg.socket, err = pg.place.socketFolder(); err != nil {
		return err
	}
	if err := pg.launch(ctx, b); err != nil {
		return err
	}
	if err := writePassword(pg.PassFile(), pg.port, password); err != nil {
		return err
	}
	return pg.prepare(ctx, major != 0 && lost, password)
}

// prepare makes the database and, when the password file was lost, sets the new password.
func (pg *Postgres) prepare(ctx context.Context, setPassword bool, password string) error {
	conn, err := pgx.Connect(ctx, pg.socketURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if setPassword {
		// ALTER ROLE takes no parameters; the password has no letter that means anything in SQL.
		if _, err := conn.Exec(ctx, "alter role postgres password '"+password+"'"); err != nil {
			return fmt.Errorf("set a new password: %w", err)
		}
	}
	var there bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", pg.cfg.Database).Scan(&there)
	if err != nil || there {
		return err
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{pg.cfg.Database}.Sanitize()); err != nil {
		return fmt.Errorf("make database %s: %w", pg.cfg.Database, err)
	}
	return nil
}

// watch closes done when the server is gone, after what was kept for it is released.
func (pg *Postgres) watch() {
	<-pg.child.done
	if pg.child.guard != nil {
		pg.child.guard.gone()
	}
	select {
	case <-pg.asked:
	default:
		pg.cfg.Log.Error("Postgres ended by itself", "err", pg.child.err, "log", pg.logPath())
	}
	pg.place.release()
	close(pg.done)
}

// Stop ends the server: its clients are dropped, what they committed is on disk. It waits for that until ctx ends,
// then stops at once, which the next start recovers from, and says so in its error. Calling it again returns the same.
func (pg *Postgres) Stop(ctx context.Context) error {
	pg.stopOnce.Do(func() {
		close(pg.asked)
		pg.stopErr = pg.child.stop(ctx, fastStop)
		<-pg.done
		pg.stopErr = errors.Join(pg.stopErr, pg.removeScratch())
	})
	return pg.stopErr
}

// Done is closed when the server has ended, by Stop or by itself.
func (pg *Postgres) Done() <-chan struct{} { return pg.done }

// Err says why the server ended by itself; nil while it runs and after Stop.
func (pg *Postgres) Err() error {
	select {
	case <-pg.done:
	default:
		return nil
	}
	select {
	case <-pg.asked:
		return nil
	default:
		return fmt.Errorf("Postgres ended by itself (%v); the last lines of %s:\n%s", pg.child.err, pg.logPath(), pg.logTail())
	}
}

func (pg *Postgres) scratchFolders() []string { return []string{pg.place.dir, pg.cfg.State} }

func (pg *Postgres) removeScratch() error {
	var errs []error
	if pg.cfg.Scratch {
		for _, dir := range pg.scratchFolders() {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
