// Package streambench measures what a stream.kafka job does on this machine, beside the limit the database sets: a bare
// binary COPY of the same rows into an equal table, in the same run.
//
// A figure alone says little on a machine that others use too. So the ways are measured in turns, and what counts is
// their ratio and the CPU time they take.
//
//	      ┌ bare COPY ── whole stream ┐ x Rounds ── row by row ── latency at 100 a second ── latency at full speed
//	rows ─┤ (decoded      (from the   │
//	      └  before)       broker)    ┘
//
// Broker and Postgres are the embedded ones with the settings they have in production: every commit waits for the disk.
// Each is a process of its own, so that what they use does not count as the stream's.
// It is a package of its own, for a job does not start services; it knows the stream as the engine does.
package streambench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/jobs/stream"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pg"
	tillsql "tillflow/sql"
)

// Config says what is measured.
type Config struct {
	Rows       int           // in each round, spread over the partitions
	Partitions int           // of the topic, and connections of the other ways
	Random     bool          // ids in no order; else each is greater than the one before
	Dimensions int           // referenced tables; the first one splits the windows
	Keys       int           // rows in each of them
	PerSecond  int           // sales in a second of event time: how many share a window
	Rounds     int           // of bare COPY and stream in turns
	Latency    time.Duration // how long each of the two latencies is measured

	Broker  []string     // the command that runs ServeBroker; folder and partitions are added to it
	Log     *slog.Logger // of the services and the stream; nil: nowhere
	Say     func(string) // told in a few words what is going on; nil: nobody
	Profile io.Writer    // takes a CPU profile of this process during the first round's stream; nil: none
}

// maxRows a partition: the embedded broker keeps 1 GiB of each.
const maxRows = 5_000_000

// Check says what is wrong with a number of the configuration.
func (c Config) Check() error {
	switch {
	case c.Partitions < 1 || c.Partitions > 64:
		return fmt.Errorf("%d partitions; 1 to 64 can be measured", c.Partitions)
	case c.Rows < c.Partitions || c.Rows > maxRows*c.Partitions:
		return fmt.Errorf("%d rows; %d to %d can be measured with %d partitions", c.Rows, c.Partitions, maxRows*c.Partitions, c.Partitions)
	case c.Dimensions < 0 || c.Dimensions > 16:
		return fmt.Errorf("%d dimensions; 0 to 16 can be measured", c.Dimensions)
	case c.Keys < 1 || c.Keys > 100_000:
		return fmt.Errorf("%d keys in a dimension; 1 to 100000 can be measured", c.Keys)
	case c.PerSecond < 1 || c.PerSecond > 1_000_000:
		return fmt.Errorf("%d sales a second; 1 to 1000000 can be measured", c.PerSecond)
	case c.Rounds < 1:
		return fmt.Errorf("%d rounds; at least 1 is needed", c.Rounds)
	case c.Latency <= 0:
		return fmt.Errorf("a latency cannot be measured for %v", c.Latency)
	}
	return nil
}

// bench is one run.
type bench struct {
	Config
	shop   *shop
	with   stream.With
	broker *broker
	client *kafkasrc.Client
	db     *pgxpool.Pool
	server int // the process of Postgres
}

// Run measures. It takes about half a minute for a million rows, and a few hundred megabytes in the system's folder for
// temporary files (TMPDIR), which it leaves empty.
func Run(ctx context.Context, cfg Config) (res Result, err error) {
	if err := cfg.Check(); err != nil {
		return res, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Say == nil {
		cfg.Say = func(string) {}
	}
	b := &bench{Config: cfg, shop: newShop(cfg)}
	if b.with, err = b.shop.settings(cfg.Partitions); err != nil {
		return res, err
	}
	b.Say("starting a broker and a Postgres")
	stop, err := b.services(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return res, err
	}
	res = Result{Rows: cfg.Rows, Partitions: cfg.Partitions, Order: b.shop.order(), Dimensions: cfg.Dimensions, Keys: cfg.Keys, PerSecond: cfg.PerSecond, Rounds: cfg.Rounds}
	if err := b.throughput(ctx, &res); err != nil {
		return res, err
	}
	b.Say("row by row")
	if res.InsertRowsPerS, err = b.insertRows(ctx); err != nil {
		return res, fmt.Errorf("insert row by row: %w", err)
	}
	return res, b.latencies(ctx, &res)
}

// services starts broker and database in a folder of their own. stop ends them and deletes it, whatever was started.
func (b *bench) services(ctx context.Context) (stop func() error, err error) {
	var undo []func() error
	stop = func() error {
		var errs []error
		for i := len(undo) - 1; i >= 0; i-- {
			errs = append(errs, undo[i]())
		}
		return errors.Join(errs...)
	}
	last := context.WithoutCancel(ctx)
	dir, err := os.MkdirTemp("", "tillflow-bench-")
	if err != nil {
		return stop, err
	}
	undo = append(undo, func() error { return os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // Postgres may run as another user
		return stop, err
	}
	if b.broker, err = startBroker(ctx, b.Broker, filepath.Join(dir, "broker"), b.Partitions, b.Log); err != nil {
		return stop, err
	}
	undo = append(undo, b.broker.stop)
	state := filepath.Join(dir, "database")
	server, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: state, Log: b.Log, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
	if err != nil {
		return stop, err
	}
	undo = append(undo, func() error { return server.Stop(last) })
	if b.client, err = kafkasrc.Open([]string{b.broker.address}, kafkasrc.Options{Log: b.Log, ClientID: "tillflow-bench"}); err != nil {
		return stop, err
	}
	undo = append(undo, func() error { b.client.Close(); return nil })
	if b.db, err = pg.Open(ctx, server.SocketURL()); err != nil {
		return stop, err
	}
	undo = append(undo, func() error { b.db.Close(); return nil })
	if _, err := pg.Migrate(ctx, b.db, tillsql.Migrations); err != nil {
		return stop, err
	}
	if b.server, err = serverOf(ctx, b.db); err != nil {
		return stop, err
	}
	return stop, b.shop.makeDimensions(ctx, b.db)
}

// throughput measures bare COPY and the stream in turns.
func (b *bench) throughput(ctx context.Context, res *Result) error {
	if err := b.client.EnsureTopic(ctx, topic, b.Partitions); err != nil {
		return err
	}
	b.Say("producing")
	if err := b.produce(ctx, topic); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	// The stream makes its tables at its first start, so an empty run comes first.
	if err := b.prepareTables(ctx); err != nil {
		return err
	}
	var bare, whole spent
	for round := range b.Rounds {
		b.Say(fmt.Sprintf("round %d of %d: bare COPY", round+1, b.Rounds))
		s, err := b.bareCopy(ctx)
		if err != nil {
			return fmt.Errorf("bare COPY: %w", err)
		}
		bare.add(s)
		b.Say(fmt.Sprintf("round %d of %d: the stream", round+1, b.Rounds))
		var profile io.Writer
		if round == 0 {
			profile = b.Profile
		}
		if s, err = b.wholeStream(ctx, fmt.Sprintf("bench.round%d", round+1), profile); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		whole.add(s)
	}
	rows := float64(b.Rows) * float64(b.Rounds)
	res.RowsPerS, res.CopyRowsPerS = rows/whole.wall.Seconds(), rows/bare.wall.Seconds()
	res.Ratio = res.RowsPerS / res.CopyRowsPerS
	million := func(cpu time.Duration) float64 { return cpu.Seconds() / rows * 1e6 }
	res.CPUPerMillion, res.PostgresCPUPerMillion, res.BrokerCPUPerMillion = million(whole.own), million(whole.server), million(whole.broker)
	res.CopyCPUPerMillion, res.CopyPostgresCPUPerMillion = million(bare.own), million(bare.server)
	res.RSSMB = float64(whole.rss) / (1 << 20)
	return nil
}

// job is a stream of the bench's topic.
func (b *bench) job(name string, w stream.With) (*stream.Job, error) {
	return stream.New(name, w, stream.Deps{DB: b.db, Brokers: []string{b.broker.address}, Log: b.Log, Instance: "bench"})
}

func (b *bench) prepareTables(ctx context.Context) error {
	w := b.with
	w.Topic = topic + "_empty"
	if err := b.client.EnsureTopic(ctx, w.Topic, 1); err != nil {
		return err
	}
	j, err := b.job("bench.prepare", w)
	if err != nil {
		return err
	}
	if _, err := j.Run(ctx, run.Input{Once: true}); err != nil {
		return err
	}
	return b.exec(ctx, "create table "+bareTable+" (like "+rawTable+" including all)")
}

// wholeStream measures a stream from the log's start to its end, and checks that it has done its work.
func (b *bench) wholeStream(ctx context.Context, name string, profile io.Writer) (spent, error) {
	if err := b.fresh(ctx); err != nil {
		return spent{}, err
	}
	j, err := b.job(name, b.with)
	if err != nil {
		return spent{}, err
	}
	if profile != nil {
		if err := pprof.StartCPUProfile(profile); err != nil {
			return spent{}, err
		}
		defer pprof.StopCPUProfile()
	}
	watch := b.watch()
	_, err = j.Run(ctx, run.Input{Once: true})
	s := watch.stop()
	if err != nil {
		return s, err
	}
	return s, b.check(ctx, int64(b.Rows))
}

// check compares the tables with what was produced.
func (b *bench) check(ctx context.Context, want int64) error {
	var raw, windows int64
	if err := b.db.QueryRow(ctx, "select (select count(*) from "+rawTable+"), (select coalesce(sum(sales), 0)::bigint from "+windowTable+")").
		Scan(&raw, &windows); err != nil {
		return err
	}
	if raw != want || windows != want {
		return fmt.Errorf("%d rows were produced, %d are in the table and %d in the windows", want, raw, windows)
	}
	return nil
}

// fresh empties the tables and lets the server write what it still owes, so that each way starts alike.
func (b *bench) fresh(ctx context.Context) error {
	return b.exec(ctx, "truncate "+rawTable+", "+windowTable+", "+bareTable, "checkpoint")
}

func (b *bench) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := b.db.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
