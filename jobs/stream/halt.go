package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tillflow/lib/ledger"
)

// halt says why a partition is not worked on, and where it stood in the ledger then.
type halt struct {
	err         error
	next, epoch int64
	at          time.Time
}

// fail notes that a partition cannot go on. The others do.
func (c *coordinator) fail(l ledger.Lease, err error) {
	p := l.Partition
	k, offset := stopKind(err)
	c.troubles.see(fmt.Sprint("partition ", p), p, k, err.Error(), offset)
	if c.said[p] != err.Error() {
		c.said[p] = err.Error()
		c.log.Error("partition stopped; the others go on", "partition", p, "err", err, "do", advice(k, c.name, p))
	}
	c.broken[p] = halt{err: err, next: l.Next, epoch: l.Epoch, at: time.Now()}
}

// reviveAfter is how long a partition that cannot go on is left alone: somebody may have mended what stopped it.
const reviveAfter = time.Minute

// revived says whether a partition may be worked on: it is not stopped, or a person has let it go on since then
// (dag skip), or it has been left alone for a while.
func (c *coordinator) revived(p int) bool {
	b := c.broken[p]
	if b.err == nil {
		return true
	}
	if errors.Is(b.err, errEnd) || c.in.Once {
		return false
	}
	moved := slices.ContainsFunc(c.view.Partitions, func(v ledger.Partition) bool {
		return v.Partition == p && v.Topic == c.with.Topic && (v.Next != b.next || v.Epoch > b.epoch)
	})
	return moved || time.Since(b.at) > reviveAfter
}

// sweepEvery is how often the ledger is asked for trouble that is over without a word.
const sweepEvery = 10 * time.Second

// tellTrouble notes in the ledger what has changed. It is no part of what must work, so an error only delays it.
func (c *coordinator) tellTrouble(ctx context.Context) {
	for p, w := range c.workers {
		if !w.reads && w.partition.reads.Load() {
			w.reads = true
			c.troubles.clear(p, readingKinds)
		}
		if !w.wrote && w.next.Load() > w.begun {
			w.wrote = true
			c.troubles.clear(p, writingKinds)
			delete(c.said, p)
		}
	}
	err := c.troubles.tell(ctx, c.member, c.conn)
	if err == nil && time.Since(c.swept) > sweepEvery {
		c.swept = time.Now()
		err = c.member.Sweep(ctx, c.conn, passingKinds, c.declared())
	}
	if err != nil {
		c.log.Debug("states of trouble are not in the ledger yet", "err", err)
	}
}

// declared are the fields by the names that unknown ones are counted under.
func (c *coordinator) declared() []string {
	var names []string
	for _, e := range c.with.Fields.Entries {
		name := e.Key
		if e.Value.Path != "" {
			name = strings.TrimPrefix(e.Value.Path, "$.")
		}
		names = append(names, name)
	}
	return names
}
