package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/user"

	"tillflow/jobs/stream"
	"tillflow/lib/ledger"
)

// skipFlags say how a stopped partition goes on.
type skipFlags struct {
	toStart, newLog bool
	partition       int
}

func (s *skipFlags) declare(fs *flag.FlagSet) {
	fs.BoolVar(&s.toStart, "to-start", false, "go on at the log's start; the gap is recorded")
	fs.BoolVar(&s.newLog, "new-log", false, "take the log as a new one, from its start")
	fs.IntVar(&s.partition, "partition", -1, "only this `NUMBER`; all that stand still by default")
}

// cmdSkip lets stopped partitions of a stream go on with less than their whole log. A running pipeline takes them up by
// itself.
func cmdSkip(ctx context.Context, c *call) error {
	if len(c.args) != 1 {
		return usagef("name one stream: dag skip STREAM --to-start or --new-log; `dag status` says which one a partition needs")
	}
	if c.skip.toStart == c.skip.newLog {
		return usagef("say how it goes on: --to-start where retention has passed it (the gap is recorded), " +
			"--new-log where the log was made anew or lost its tail")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	nodes, err := streamsOf(p, c.args)
	if err != nil {
		return err
	}
	if len(nodes) != 1 {
		return usagef("%s are %d streams; name one", c.args[0], len(nodes))
	}
	log := c.plainLog()
	sv, done, err := c.attached(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	j, err := newStream(nodes[0], sv, log)
	if err != nil {
		return err
	}
	var partition *int
	if c.skip.partition >= 0 {
		partition = &c.skip.partition
	}
	var skips []ledger.Skip
	if c.skip.toStart {
		skips, err = j.SkipToStart(ctx, partition, byWhom("dag skip --to-start"))
	} else {
		skips, err = j.SkipToNewLog(ctx, partition, byWhom("dag skip --new-log"))
	}
	for _, s := range skips {
		fmt.Fprintln(c.stdout, s)
	}
	if errors.Is(err, stream.ErrNothingToSkip) {
		return &exitError{exitNothing, err}
	}
	return interrupted(ctx, err)
}

// byWhom is a command with the person who gave it, as far as the machine knows.
func byWhom(command string) string {
	if u, err := user.Current(); err == nil {
		return command + " by " + u.Username
	}
	return command
}
