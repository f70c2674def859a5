package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/ledger"
)

// coordinator shares the partitions with the other processes: it renews what this one owns, claims what is its share,
// and starts and stops a worker for each. One goroutine runs it; a slow batch cannot hold it up.
type coordinator struct {
	*stream
	conn    *pgx.Conn
	again   retry
	workers map[int]*worker
	broken  map[int]halt // partitions that cannot go on, and why
	exits   chan *worker
	view    ledger.View
	evictAt map[int]time.Time // when the session that has locked a partition of ours is looked at

	reported time.Time
	said     map[int]string // by partition: the error that was logged, until it works again
	swept    time.Time      // when states that are over without a word were looked for
}

type worker struct {
	*partition
	cancel   context.CancelFunc
	stopping bool
	err      error // set before the worker is sent to exits

	begun        int64 // offset when it was claimed
	reads, wrote bool  // the ledger was told that it does
}

// coordinate runs until ctx ends, the work of once mode is done, or no partition can go on.
func (s *stream) coordinate(ctx context.Context) error {
	// What is being written when ctx ends may take in.Drain more.
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stopped := context.AfterFunc(ctx, func() { time.AfterFunc(s.in.Drain, cut) })
	defer stopped()
	c := &coordinator{
		stream: s, again: s.retrying(s.log, "renew leases", "", postgresSide),
		workers: map[int]*worker{}, broken: map[int]halt{}, said: map[int]string{}, exits: make(chan *worker), evictAt: map[int]time.Time{},
	}
	var side sync.WaitGroup
	sctx, endScout := context.WithCancel(ctx)
	side.Go(func() { s.scout.run(sctx) })
	side.Go(func() { s.rollUp(sctx) })
	err := c.loop(ctx, hard)
	endScout()
	last := c.drain(hard)
	side.Wait()
	if err == nil && s.in.Once && len(s.sinks.rollups) > 0 {
		if err := s.takeDue(hard); err != nil {
			s.log.Warn("the rollups stay where they are for now", "err", err)
		}
	}
	s.scout.tell(hard, last)
	c.leave(hard)
	return err
}

// The coordinator's pace: as often as leases must be renewed, faster while a partition that is its share is not had yet.
const (
	beatEvery = time.Second
	hurry     = 100 * time.Millisecond

	reportEvery = 900 * time.Millisecond // so that a beat a second is a report a second
)

func (c *coordinator) loop(ctx, hard context.Context) error {
	pace := time.Duration(0)
	for {
		timer := time.NewTimer(pace)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case w := <-c.exits:
			timer.Stop()
			c.exited(hard, w)
			pace = 0
			if w.err != nil {
				pace = c.pace() // whoever took it over is not to be outrun
			}
		case <-timer.C:
			waiting, err := c.beat(ctx, hard)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			switch {
			case err == nil:
				c.again.ok()
			case !passes(err):
				return err
			default:
				if len(c.view.Partitions) > 0 { // without a view the lag is not known, which means something else
					c.report()
				}
				if !c.again.wait(ctx, err) {
					return context.Cause(ctx)
				}
			}
			pace = c.pace()
			if waiting {
				pace = min(pace, hurry)
			}
		}
		if done, err := c.done(); done {
			return err
		}
	}
}

// pace is how often leases are renewed.
func (c *coordinator) pace() time.Duration { return min(beatEvery, c.member.TTL/4) }

// beat renews, looks and acts on what it sees. waiting: a partition that is this process's share is not had yet, or
// once mode has work left that others do.
func (c *coordinator) beat(ctx, hard context.Context) (waiting bool, err error) {
	if err := c.reconnect(ctx); err != nil {
		return false, err
	}
	// A stop does not cut a beat short, for that would cost the connection, which is needed to give back what is held. But a
	// beat that hangs is an error: the leases are about to lapse.
	bctx, cancel := context.WithTimeout(hard, max(c.member.TTL, time.Second))
	defer cancel()
	var held []ledger.Held
	for p, w := range c.workers {
		held = append(held, ledger.Held{Partition: p, Epoch: w.lease.Epoch, LogEnd: w.logEnd.Load()})
	}
	view, err := c.member.Beat(bctx, c.conn, held)
	if err != nil {
		return false, err // the view stays what it was: so the lag does, while Postgres is away
	}
	c.view = view
	mine := ledger.Assign(c.view.Members, c.scout.partitions(), c.member.Name)
	for p, w := range c.workers {
		if !slices.Contains(mine, p) && !w.stopping {
			w.stopping = true // released when the batch in hand is done
			w.cancel()
		}
	}
	for _, p := range mine {
		if c.workers[p] != nil || !c.revived(p) {
			continue
		}
		got, err := c.claim(bctx, ctx, hard, p)
		if err != nil {
			return true, err
		}
		waiting = waiting || !got
	}
	for p, w := range c.workers {
		if c.replayAsked(p) {
			w.askReplay()
		}
	}
	c.tellTrouble(bctx)
	if time.Since(c.reported) >= reportEvery {
		c.report()
	}
	return waiting || c.in.Once, nil
}

// reconnect opens the coordinator's own connection if it is not open.
func (c *coordinator) reconnect(ctx context.Context) (err error) {
	if c.conn != nil && !c.conn.IsClosed() {
		return nil
	}
	cfg := c.db.Config().ConnConfig.Copy()
	name := "tillflow " + c.name
	cfg.RuntimeParams["application_name"] = name[:min(len(name), maxName)]
	cfg.ConnectTimeout = connectTimeout
	c.conn, err = pgx.ConnectConfig(ctx, cfg)
	return err
}

// claim takes a partition and starts its worker. When the partition's row is locked by a session of a process that is no
// longer alive, that session is ended first.
func (c *coordinator) claim(bctx, ctx, hard context.Context, p int) (bool, error) {
	lease, ok, err := c.member.Claim(bctx, c.conn, p)
	if err != nil {
		return false, err
	}
	if !ok {
		if c.evictAt[p].IsZero() {
			c.evictAt[p] = time.Now().Add(evictAfter)
		} else if time.Now().After(c.evictAt[p]) {
			delete(c.evictAt, p)
			n, err := c.member.Evict(bctx, c.conn, []int{p})
			if err != nil {
				return false, err
			}
			if n > 0 {
				c.log.Warn("ended a session that held a partition and was not alive", "partition", p)
			}
		}
		return false, nil
	}
	delete(c.evictAt, p)
	if err := sameLog(lease.Topic, logID{lease.ClusterID, lease.TopicID}, c.logID); err != nil {
		c.fail(lease, err)
		return true, lease.Release(bctx, c.conn)
	}
	delete(c.broken, p)
	w := &worker{begun: lease.Next, partition: &partition{job: c.stream, lease: lease, stopAt: math.MaxInt64, log: c.log.With("partition", p), replay: make(chan struct{}, 1)}}
	if end, ok := c.ends[p]; ok && c.in.Once {
		w.stopAt = end
	}
	w.next.Store(lease.Next)
	w.logEnd.Store(c.scout.end(p))
	if c.replayAsked(p) {
		w.askReplay()
	}
	wctx, cancel := context.WithCancel(ctx)
	w.cancel = cancel
	c.workers[p] = w
	c.total.own(p, &w.next)
	c.log.Debug("partition claimed", "partition", p, "epoch", lease.Epoch, "offset", lease.Next)
	go func() {
		defer cancel()
		w.err = w.run(wctx, hard)
		c.exits <- w
	}()
	return true, nil
}

// replayAsked says whether dead letters of a partition are to be tried again.
func (c *coordinator) replayAsked(p int) bool {
	return slices.ContainsFunc(c.view.Partitions, func(v ledger.Partition) bool {
		return v.Partition == p && v.Topic == c.with.Topic && v.Replay
	})
}

// evictAfter is how long a partition may be found locked before its session is looked at: a healthy batch of a member
// that is about to release it should not be shot.
const evictAfter = 300 * time.Millisecond

// exited takes a worker off the list and gives its partition back.
func (c *coordinator) exited(hard context.Context, w *worker) {
	p := w.lease.Partition
	if c.workers[p] == w {
		delete(c.workers, p)
	}
	c.total.disown(p, w.next.Load())
	switch {
	case errors.Is(w.err, ledger.ErrFenced):
		c.log.Warn("partition was taken over", "partition", p, "err", w.err)
		return
	case w.err != nil:
		lease := w.lease
		lease.Next = w.next.Load()
		c.fail(lease, w.err)
	case w.stopAt != math.MaxInt64 && w.next.Load() >= w.stopAt:
		c.broken[p] = halt{err: errEnd}
	}
	ctx, cancel := context.WithTimeout(hard, rollbackTime)
	defer cancel()
	err := c.reconnect(ctx)
	if err == nil {
		err = w.lease.Release(ctx, c.conn)
	}
	if err != nil {
		c.log.Debug("the lease will lapse instead", "partition", p, "err", err)
	}
}

// done says whether there is nothing left to do, and with what result.
func (c *coordinator) done() (bool, error) {
	if err := c.scout.trouble(); err != nil {
		return true, err
	}
	var all []error
	left := false
	at := map[int]int64{}
	for _, p := range c.view.Partitions {
		if p.Topic == c.with.Topic {
			at[p.Partition] = p.Next
		}
	}
	for _, p := range c.scout.partitions() {
		err := c.broken[p].err
		switch {
		case err != nil && !errors.Is(err, errEnd):
			all = append(all, fmt.Errorf("partition %d: %w", p, err))
		case err != nil:
		case c.in.Once:
			end, known := c.ends[p]
			next, seen := at[p]
			left = left || known && (!seen || next < end)
		default:
			left = true
		}
	}
	if left || len(c.workers) > 0 {
		return false, nil
	}
	return c.in.Once || len(all) > 0, errors.Join(all...)
}

// drain stops all workers, waits for them, and returns where they stopped.
func (c *coordinator) drain(hard context.Context) map[int]int64 {
	at := c.total.offsets()
	for _, w := range c.workers {
		w.stopping = true
		w.cancel()
	}
	for len(c.workers) > 0 {
		w := <-c.exits
		c.exited(hard, w)
		at[w.lease.Partition] = w.next.Load()
	}
	return at
}

// leave tells the others that this process takes part no longer.
func (c *coordinator) leave(hard context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(hard), rollbackTime)
	defer cancel()
	c.again.end()
	c.report()
	if err := c.reconnect(ctx); err != nil {
		c.log.Debug("the others will notice by themselves", "err", err)
		return
	}
	c.swept = time.Time{} // what this run has settled is over
	c.tellTrouble(ctx)
	if err := c.member.Leave(ctx, c.conn); err != nil {
		c.log.Debug("the others will notice by themselves", "err", err)
	}
	_ = c.conn.Close(ctx)
}
