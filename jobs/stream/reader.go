package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tillflow/lib/event"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/window"
)

// reader fills batches from one partition: fetch, decode, judge by the watermark. One goroutine uses it.
type reader struct {
	fetcher *kafkasrc.Fetcher
	dec     *event.Decoder
	tracker *window.Tracker
	next    int64 // offset of the next message
	stopAt  int64 // read no message from this offset on; math.MaxInt64 = go on for ever
	keep    bool  // keep the messages as they came, for rows that may have to wait

	rows   int // in a batch while there is a backlog
	wide   int // likewise, when keys come in no order: scattered says so
	first  int // in the next one, while that is fewer, for the writer is not to wait for a full one at the start; 0: rows
	linger time.Duration

	scattered *atomic.Bool
	aim       size // of the batch that is filled
	filled    int  // rows of the one before

	seen func(logEnd int64)

	// At the log's end a batch goes as soon as the writer has nothing to do, linger after the one before or later.
	free   <-chan *batch // the batches nobody uses: the other one, when the writer is idle
	spare  *batch        // taken from free; the next to be filled
	handed time.Time     // when the last batch went to the writer
}

// size bounds a batch: by its rows, and by the bytes of its messages, as these may be long.
type size struct{ rows, bytes int }

// isWide says whether the next batch is to be a large one: there is a backlog and its keys come in no order. Such rows go
// all over the index of the table; the more of them come sorted, the fewer of its pages are read, changed and written once
// for each row, which is most of what they cost. The batch is read when the writer is done with the one before, so that
// it takes little more memory than two of the usual size.
func (r *reader) isWide() bool { return r.wide > r.rows && r.filled >= r.rows && r.scattered.Load() }

const (
	// idleWait is how long the broker is asked to hold an empty fetch.
	idleWait = time.Second
	// batchBytes bounds what a batch holds of long messages; wideBytes when keys come in no order.
	batchBytes = 16 << 20
	wideBytes  = 32 << 20
	// fillTime is how long a batch may fill while there is more to read.
	fillTime = time.Second
	// busyPause is the least time between two looks at the log while the writer is busy.
	busyPause = time.Millisecond
	// graceTime is how long a started batch waits for a broker that does not answer before it goes with what it has.
	graceTime = time.Second
)

var (
	errFull = errors.New("batch is full")
	errEnd  = errors.New("end of the work")
)

// fill reads one batch. It returns with at least one offset more, or with an error: errEnd when stopAt is reached and
// the batch is empty, the context's, or what the log says about our offset. The batch's record is sealed.
func (r *reader) fill(ctx context.Context, b *batch) error {
	b.reset(r.next)
	err := r.read(ctx, b)
	if err != nil || b.empty() {
		r.dec.Seal().Release()
		r.dec.Unknown() // read again, counted again
		return err
	}
	b.maxEvent, b.hasMax = r.tracker.Max()
	b.rec, b.unknown = r.dec.Seal(), r.dec.Unknown()
	r.filled = b.size()
	return nil
}

func (r *reader) read(ctx context.Context, b *batch) error {
	r.aim = size{r.rows, batchBytes}
	if r.isWide() {
		r.aim = size{r.wide, wideBytes}
	}
	if r.first > 0 {
		r.aim.rows = min(r.aim.rows, r.first)
		r.first = 2 * r.aim.rows
	}
	if r.next > r.stopAt { // more was read than the log had at the start; but is it in the log?
		if _, err := r.fetcher.Fetch(ctx, r.next, 0, func(*kafkasrc.Message) error { return errEnd }); err != nil {
			return err
		}
		return errEnd
	}
	var started time.Time
	for r.next < r.stopAt {
		wait, fctx, cancel := idleWait, ctx, context.CancelFunc(func() {})
		if !started.IsZero() {
			wait = 0
			fctx, cancel = context.WithTimeout(ctx, graceTime)
		}
		got, err := r.fetcher.Fetch(fctx, r.next, wait, func(m *kafkasrc.Message) error { return r.take(b, m) })
		late := fctx.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			r.next = got.Next
			b.logEnd = got.LastStable
			r.seen(got.LastStable)
		case errors.Is(err, errFull), errors.Is(err, errEnd):
			r.next = got.Next
		case late:
			// The broker is away; what was read so far need not wait for it.
		default:
			return err
		}
		b.next = min(r.next, r.stopAt)
		if b.empty() {
			continue
		}
		if started.IsZero() {
			started = time.Now()
		}
		spent := time.Since(started)
		if err != nil || b.size() >= r.aim.rows || b.bytes >= r.aim.bytes || spent >= fillTime ||
			got.Next >= got.LastStable && r.turn(ctx) {
			return nil
		}
	}
	if b.empty() {
		return errEnd
	}
	return nil
}

// turn says whether a batch that holds all there is may go to the writer; otherwise it waits until that may have
// changed. So a message that comes alone is written at once, and of many that come fast, all that came while the batch
// before was written go together.
func (r *reader) turn(ctx context.Context) bool {
	early := r.linger - time.Since(r.handed)
	free := r.free
	if r.spare == nil {
		select {
		case r.spare = <-free:
		default:
		}
	}
	switch {
	case early > 0:
		free = nil
	case r.spare != nil:
		return true
	default:
		early = max(r.linger, busyPause) // the writer is busy: see now and then what else has come
	}
	timer := time.NewTimer(early)
	defer timer.Stop()
	select {
	case r.spare = <-free:
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// take puts a message in the batch: as a row, or as a dead letter.
func (r *reader) take(b *batch, m *kafkasrc.Message) error {
	if m.Offset >= r.stopAt {
		return errEnd
	}
	// A fetch usually brings a batch over its size, which is fine; one that holds very many small messages does not.
	if b.size() >= 2*max(r.rows, r.aim.rows) || b.bytes >= 2*r.aim.bytes {
		return errFull
	}
	b.bytes += len(m.Key) + len(m.Value)
	if err := r.dec.Append(m.Value); err != nil {
		if errors.Is(err, event.ErrFull) && b.size() > 0 {
			return errFull
		}
		var reject *event.Reject
		if !errors.As(err, &reject) {
			return fmt.Errorf("decode message %d: %w", m.Offset, err)
		}
		b.addDead(m, reject.Error(), r.tracker.Watermark(), logTime(m))
		return nil
	}
	at, broker := r.dec.EventTime(), logTime(m)
	mark := r.tracker.Observe(at, broker)
	b.addRow(m, at, mark)
	if r.tracker.FarFuture(at, broker) {
		b.future = append(b.future, future{m.Offset, broker})
	}
	if r.keep {
		b.keep(m, at, mark, broker)
	}
	return nil
}
