package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/jobs/stream"
	"tillflow/lib/ledger"
)

// deadFlags say which dead letters are meant.
type deadFlags struct {
	stream, topic, reason, since string
	partition                    int
	offset                       int64
	limit                        int
	all                          bool
}

func (d *deadFlags) declare(fs *flag.FlagSet) {
	fs.StringVar(&d.stream, "stream", "", "of this `JOB`")
	fs.StringVar(&d.topic, "topic", "", "of this `TOPIC`")
	fs.StringVar(&d.reason, "reason", "", "whose reason is this `TEXT`; * stands for anything")
	fs.StringVar(&d.since, "since", "", "received since this `TIME`, or for so long: 2h")
	fs.IntVar(&d.partition, "partition", -1, "of this `NUMBER`")
	fs.Int64Var(&d.offset, "offset", -1, "at this `NUMBER`")
	fs.IntVar(&d.limit, "limit", 1000, "at most this `NUMBER` of messages")
	fs.BoolVar(&d.all, "all", false, "replay or drop every one")
}

func (d *deadFlags) filter(now time.Time, loc *time.Location) (f ledger.DeadFilter, err error) {
	f = ledger.DeadFilter{Job: d.stream, Topic: d.topic, Reason: d.reason}
	if d.partition >= 0 {
		f.Partition = &d.partition
	}
	if d.offset >= 0 {
		f.Offset = &d.offset
	}
	if ago, derr := time.ParseDuration(d.since); derr == nil {
		f.Since = now.Add(-ago)
	} else if f.Since, err = parseAsOf(d.since, loc); err != nil {
		err = usagef("--since %q is neither a time, as in 2026-01-31T18:00, nor how long ago, as in 2h", d.since)
	}
	return f, err
}

const deadUsage = "say what to do: dag deadletters ls|show|replay|drop [--stream JOB] [--topic T] [--reason TEXT] [--since 2h] " +
	"[--partition N] [--offset N] [--limit N] [-o table|csv|json]"

// cmdDeadLetters lists the messages that could not become rows, tries them again, or throws them away.
func cmdDeadLetters(ctx context.Context, c *call) error {
	do, ok := map[string]func(context.Context, *call, *deadCall) error{
		"ls": deadList, "show": deadShow, "replay": deadReplay, "drop": deadDrop,
	}[strings.Join(c.args, " ")]
	if !ok {
		return usagef("%s", deadUsage)
	}
	if err := c.formats("table", "csv", "json"); err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	d := &deadCall{plan: p}
	if d.filter, err = c.dead.filter(time.Now(), p.Spec.Location); err != nil {
		return err
	}
	if changes := c.args[0] == "replay" || c.args[0] == "drop"; changes && d.filter.Any() && !c.dead.all {
		return usagef("%s of every dead letter: say --all, or which with --stream, --topic, --reason, --since, --partition, --offset", c.args[0])
	}
	sv, done, err := c.attached(ctx, p, f, c.plainLog())
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	d.sv = sv
	return interrupted(ctx, do(ctx, c, d))
}

// deadCall is one use of `dag deadletters`.
type deadCall struct {
	plan   *plan.Plan
	sv     *instance.Services
	filter ledger.DeadFilter
}

func deadList(ctx context.Context, c *call, d *deadCall) error {
	letters, err := ledger.DeadLetters(ctx, d.sv.DB, d.filter, c.dead.limit)
	if err != nil {
		return err
	}
	if len(letters) == 0 && c.format == "table" {
		_, err := fmt.Fprintln(c.stdout, "no dead letters")
		return err
	}
	names := []string{"stream", "topic", "partition", "offset", "received_at", "reason", "value"}
	var rows [][]*string
	for _, l := range letters {
		value := readable(l.Value)
		if c.format == "table" && value != nil && utf8.RuneCountInString(*value) > shownValue {
			short := string([]rune(*value)[:shownValue-1]) + "…"
			value = &short
		}
		at := l.ReceivedAt.In(d.plan.Spec.Location).Format(time.DateTime)
		partition, offset, reason := strconv.Itoa(l.Partition), strconv.FormatInt(l.Offset, 10), l.Reason
		rows = append(rows, []*string{&l.Job, &l.Topic, &partition, &offset, &at, &reason, value})
	}
	return map[string]func(io.Writer, []string, [][]*string) error{"table": writeTable, "csv": writeCSV, "json": writeJSON}[c.format](c.stdout, names, rows)
}

// shownValue is how much of a message a table shows, in characters; show, csv and json have all.
const shownValue = 60

// readable is a message as text; bytes that are none are in hexadecimal, as Postgres writes them.
func readable(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	if !utf8.Valid(b) {
		s = `\x` + hex.EncodeToString(b)
	}
	return &s
}

func deadShow(ctx context.Context, c *call, d *deadCall) error {
	letters, err := ledger.DeadLetters(ctx, d.sv.DB, d.filter, c.dead.limit)
	if err != nil {
		return err
	}
	if c.format != "table" {
		return deadList(ctx, c, d)
	}
	if len(letters) == 0 {
		return &exitError{exitNothing, errors.New("no dead letter is meant by these flags")}
	}
	text := func(b []byte) string {
		if s := readable(b); s != nil {
			return strings.ReplaceAll(*s, "\x1b", `\e`)
		}
		return "null"
	}
	for i, l := range letters {
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		fmt.Fprintf(c.stdout, "%s %s/%d offset %d, received %s\n", l.Job, l.Topic, l.Partition, l.Offset, l.ReceivedAt.In(d.plan.Spec.Location).Format(time.DateTime))
		fmt.Fprintf(c.stdout, "  reason     %s\n", text([]byte(l.Reason)))
		if l.Watermark != ledger.NoTime {
			fmt.Fprintf(c.stdout, "  watermark  %s UTC\n", time.UnixMicro(l.Watermark).UTC().Format(time.DateTime))
		}
		fmt.Fprintf(c.stdout, "  key        %s\n", text(l.Key))
		for _, h := range l.Headers {
			fmt.Fprintf(c.stdout, "  header     %s: %s\n", text([]byte(h.Key)), text(h.Value))
		}
		fmt.Fprintf(c.stdout, "  value      %s\n", text(l.Value))
	}
	return nil
}

func deadReplay(ctx context.Context, c *call, d *deadCall) error {
	var selectors []string
	if d.filter.Job != "" {
		selectors = []string{d.filter.Job}
	}
	nodes, err := streamsOf(d.plan, selectors)
	if err != nil {
		return err
	}
	type result struct {
		Stream string `json:"stream"`
		stream.Replayed
	}
	results := []result{}
	left := int64(0)
	for _, n := range nodes {
		if with := n.Job.Args.(*stream.With); d.filter.Topic != "" && d.filter.Topic != with.Topic && d.filter.Job == "" {
			continue
		}
		j, err := newStream(n, d.sv, c.plainLog())
		if err != nil {
			return err
		}
		r, err := j.Replay(ctx, d.filter)
		if err != nil {
			return fmt.Errorf("replay %s: %w", n.Name, err)
		}
		results = append(results, result{n.Name, r})
		left += r.Dead
	}
	if c.format == "json" {
		err = encode(c.stdout, results)
	} else {
		for _, r := range results {
			fmt.Fprintf(c.stdout, "%s: %s tried again, %s stored, %s wait for a dimension row, %s stay dead\n", r.Stream,
				thousands(r.Tried), thousands(r.Stored), thousands(r.Held), thousands(r.Dead))
		}
	}
	if err == nil && left > 0 {
		err = &exitError{exitCheck, fmt.Errorf("%d stay dead; `dag deadletters ls` has the reasons they have now", left)}
	}
	return err
}

func deadDrop(ctx context.Context, c *call, d *deadCall) error {
	n, err := ledger.DropDead(ctx, d.sv.DB, d.filter)
	if err != nil {
		return err
	}
	if c.format == "json" {
		return json.NewEncoder(c.stdout).Encode(map[string]int64{"dropped": n})
	}
	fmt.Fprintf(c.stdout, "%d dropped; the ledger counts them as such\n", n)
	return nil
}
