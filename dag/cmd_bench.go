package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tillflow/dag/analyticsbench"
	"tillflow/dag/reportbench"
	"tillflow/dag/runner/runnerbench"
	"tillflow/jobs/stream/streambench"
)

// benchFlags are those of `dag bench`.
type benchFlags struct {
	rows, partitions, dimensions, keys, perSecond, rounds int

	order   string
	latency time.Duration
	jitter  time.Duration
	profile string

	report string // report
	idle   time.Duration

	small                bool // analytics
	only, python, retail string
}

func (b *benchFlags) declare(fs *flag.FlagSet) {
	fs.IntVar(&b.rows, "rows", -1, "stream: this `NUMBER` of messages, 1000000 by default; report: of transactions, 10000000 by default")
	fs.IntVar(&b.partitions, "partitions", 2, "stream: this `NUMBER` of partitions")
	fs.StringVar(&b.order, "order", "sequential", "stream: `ORDER` of the keys, sequential or random")
	fs.IntVar(&b.dimensions, "dimensions", 2, "stream: this `NUMBER` of dimension tables")
	fs.IntVar(&b.keys, "keys", 50, "stream: this `NUMBER` of keys in each")
	fs.IntVar(&b.perSecond, "per-second", 100, "stream: this `NUMBER` of events in a second of event time")
	fs.IntVar(&b.rounds, "rounds", 3, "this `NUMBER` of rounds")
	fs.DurationVar(&b.latency, "latency-time", 5*time.Second, "stream: for so long a `TIME` the latency is measured")
	fs.DurationVar(&b.jitter, "jitter-time", 10*time.Second, "runner: for so long a `TIME` the jitter is measured")
	fs.StringVar(&b.report, "report", "", "report: this `FILE` in place of the dashboard")
	fs.DurationVar(&b.idle, "idle-time", 10*time.Second, "report: for so long a `TIME` 100 open pages are watched; 0 leaves them out")
	fs.StringVar(&b.profile, "profile", "", "stream: write a CPU profile to this `FILE`")
	fs.BoolVar(&b.small, "small", false, "analytics: smaller inputs")
	fs.StringVar(&b.only, "only", "", "analytics: only what has this `WORD` in its name")
	fs.StringVar(&b.python, "python", "", "analytics: this `FILE` is the Python with the programs beside which it measures")
	fs.StringVar(&b.retail, "retail", filepath.Join("testdata", "online_retail", "transactions.csv.gz"), "analytics: the sales of a real shop, a `FILE`")
}

// cmdBench measures. It needs no dagfile: it starts a broker and a database of its own.
func cmdBench(ctx context.Context, c *call) error {
	if len(c.args) == 3 && c.args[0] == "broker" { // started by itself, see below
		return streambench.ServeBroker(ctx, c.args[1], c.args[2], c.stdin, c.stdout)
	}
	if len(c.args) == 1 && c.args[0] == "runner" {
		return c.benchRunner(ctx)
	}
	if len(c.args) == 1 && c.args[0] == "analytics" {
		return c.benchAnalytics(ctx)
	}
	if len(c.args) == 1 && c.args[0] == "report" {
		return c.benchReport(ctx)
	}
	if len(c.args) != 1 || c.args[0] != "stream" {
		return usagef("say what to measure: dag bench stream [--rows N] [--partitions N] [--order sequential|random] " +
			"[--dimensions N] [--keys N] [--per-second N] [--rounds N] [--latency-time 5s] [--profile FILE] [-o text|json], " +
			"dag bench runner [--rounds N] [--jitter-time 10s] [-o text|json], " +
			"dag bench analytics [--small] [--only WORD] [--rounds N] [--python FILE] [--retail FILE] [-o text|json], " +
			"or dag bench report [--rows N] [--rounds N] [--report FILE] [--idle-time 10s] [-o text|json]")
	}
	cfg, err := c.bench.config()
	if err != nil {
		return err
	}
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	if c.bench.profile != "" {
		f, err := os.Create(c.bench.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		cfg.Profile = f
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cfg.Broker = []string{program, "bench", "broker"}
	cfg.Say = func(what string) { fmt.Fprintln(c.stderr, what) }
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	res, err := streambench.Run(ctx, cfg)
	if err != nil {
		return interrupted(ctx, err)
	}
	return writeBench(c.stdout, c.format, res)
}

// benchRunner measures the engine without the jobs.
func (c *call) benchRunner(ctx context.Context) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	if c.bench.rounds < 1 || c.bench.jitter < 0 || c.bench.jitter > 0 && c.bench.jitter < 2*time.Second {
		return usagef("--rounds must be 1 or more, and --jitter-time 0 or 2s and more")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	res, err := runnerbench.Run(ctx, runnerbench.Config{
		Rounds: c.bench.rounds, Jitter: c.bench.jitter, Log: slog.New(slog.DiscardHandler),
		Say: func(what string) { fmt.Fprintln(c.stderr, what) },
	})
	if err != nil {
		return interrupted(ctx, err)
	}
	return writeBench(c.stdout, c.format, res)
}

// peersAt is where `just bench-python` puts the programs that the analyses are measured beside.
var peersAt = filepath.Join(".tillflow", "bench-python", "bin", "python")

// benchAnalytics measures what package lib computes beside the programs that do the same.
func (c *call) benchAnalytics(ctx context.Context) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	cfg := analyticsbench.Config{
		Small: c.bench.small, Rounds: c.bench.rounds, Only: c.bench.only, Retail: c.bench.retail, Python: c.bench.python,
		Say: func(what string) { fmt.Fprintln(c.stderr, what) }, Log: slog.New(slog.DiscardHandler),
	}
	if err := cfg.Check(); err != nil {
		return usagef("%w", err)
	}
	if _, err := os.Stat(peersAt); cfg.Python == "" && err == nil {
		if cfg.Python, err = filepath.Abs(peersAt); err != nil { // it is started in another folder
			return err
		}
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	res, err := analyticsbench.Run(ctx, cfg)
	if len(res) > 0 { // what was measured before something went wrong is worth seeing too
		if e := writeBench(c.stdout, c.format, res); err == nil {
			err = e
		}
	}
	if err != nil {
		return interrupted(ctx, err)
	}
	return nil
}

// config turns the flags into what the bench takes. Each number is checked here, so that a wrong one is a wrong flag.
func (b benchFlags) config() (streambench.Config, error) {
	cfg := streambench.Config{
		Rows: b.of(1_000_000), Partitions: b.partitions, Random: b.order == "random", Dimensions: b.dimensions, Keys: b.keys,
		PerSecond: b.perSecond, Rounds: b.rounds, Latency: b.latency,
	}
	if b.order != "sequential" && b.order != "random" {
		return cfg, usagef("--order %s is not known; sequential or random", b.order)
	}
	if err := cfg.Check(); err != nil {
		return cfg, usagef("%w", err)
	}
	return cfg, nil
}

// of is the number of rows that was asked for, or a default.
func (b benchFlags) of(rows int) int {
	if b.rows < 0 {
		return rows
	}
	return b.rows
}

// benchReport measures the dashboard, or another report over a shop's tables.
func (c *call) benchReport(ctx context.Context) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	cfg := reportbench.Config{
		Rows: c.bench.of(10_000_000), Rounds: c.bench.rounds, Report: c.bench.report, Idle: c.bench.idle,
		Say: func(what string) { fmt.Fprintln(c.stderr, what) }, Log: slog.New(slog.DiscardHandler),
	}
	if err := cfg.Check(); err != nil {
		return usagef("%w", err)
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	res, err := reportbench.Run(ctx, cfg)
	if err != nil {
		return interrupted(ctx, err)
	}
	return writeBench(c.stdout, c.format, res)
}

func writeBench(w io.Writer, format string, res interface{ WriteText(io.Writer) error }) error {
	if format == "text" {
		return res.WriteText(w)
	}
	return encode(w, res)
}
