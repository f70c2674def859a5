package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"tillflow/dag/runner/runnerbench"
	"tillflow/jobs/stream/streambench"
)

// benchFlags are those of `dag bench stream`.
type benchFlags struct {
	rows, partitions, dimensions, keys, perSecond, rounds int

	order   string
	latency time.Duration
	jitter  time.Duration
	profile string
}

func (b *benchFlags) declare(fs *flag.FlagSet) {
	fs.IntVar(&b.rows, "rows", 1_000_000, "")
	fs.IntVar(&b.partitions, "partitions", 2, "")
	fs.StringVar(&b.order, "order", "sequential", "")
	fs.IntVar(&b.dimensions, "dimensions", 2, "")
	fs.IntVar(&b.keys, "keys", 50, "")
	fs.IntVar(&b.perSecond, "per-second", 100, "")
	fs.IntVar(&b.rounds, "rounds", 3, "")
	fs.DurationVar(&b.latency, "latency-time", 5*time.Second, "")
	fs.DurationVar(&b.jitter, "jitter-time", 10*time.Second, "")
	fs.StringVar(&b.profile, "profile", "", "")
}

// cmdBench measures. It needs no dagfile: it starts a broker and a database of its own.
func cmdBench(ctx context.Context, c *call) error {
	if len(c.args) == 3 && c.args[0] == "broker" { // started by itself, see below
		return streambench.ServeBroker(ctx, c.args[1], c.args[2], c.stdin, c.stdout)
	}
	if len(c.args) == 1 && c.args[0] == "runner" {
		return c.benchRunner(ctx)
	}
	if len(c.args) != 1 || c.args[0] != "stream" {
		return usagef("say what to measure: dag bench stream [--rows N] [--partitions N] [--order sequential|random] " +
			"[--dimensions N] [--keys N] [--per-second N] [--rounds N] [--latency-time 5s] [--profile FILE] [-o text|json], " +
			"or dag bench runner [--rounds N] [--jitter-time 10s] [-o text|json]")
	}
	cfg, err := c.bench.config()
	if err != nil {
		return err
	}
	if c.format != "text" && c.format != "json" {
		return usagef("-o %s is not known; text or json", c.format)
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
	if c.format != "text" && c.format != "json" {
		return usagef("-o %s is not known; text or json", c.format)
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

// config turns the flags into what the bench takes. Each number is checked here, so that a wrong one is a wrong flag.
func (b benchFlags) config() (streambench.Config, error) {
	cfg := streambench.Config{
		Rows: b.rows, Partitions: b.partitions, Random: b.order == "random", Dimensions: b.dimensions, Keys: b.keys,
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

func writeBench(w io.Writer, format string, res interface{ WriteText(io.Writer) error }) error {
	if format == "text" {
		return res.WriteText(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(res)
}
