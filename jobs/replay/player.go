package replay

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
)

// A chunk is what is sent at a time: so many events, or what is due.
const (
	chunkEvents = 16_384
	chunkBytes  = 8 << 20
	tick        = 50 * time.Millisecond // how often due events are sent, at least
)

// player writes messages: it gathers a chunk while the one before is being sent.
type player struct {
	job      *Job
	in       run.Input
	producer *kafkasrc.Producer
	from     progress
	sending  context.Context // outlives the run's by the drain time
	stop     context.CancelFunc

	chunk, spare *chunk
	inFlight     chan error // of the chunk being sent; nil when none is
	sent         int64      // events that the brokers have
	flying       int64      // events in flight
	failed       error      // of a chunk: nothing may follow it, or its rows would be passed over by the next start

	began     time.Time // when the first event was played
	played    int64     // events gathered
	firstTime int64     // event time of the first one
}

// chunk is what each partition gets next. The text moves as it grows, so records are cut at the end.
type chunk struct {
	parts  []part
	events int64
	bytes  int
	last   int64 // event time of the last one; 0 when not known
}

type part struct {
	text    []byte
	ends    [][3]int // of each message: where its mark, key and value end in the text; a key of no length is none
	records []kafkasrc.Record
	headers []kafkasrc.Header
}

func newPlayer(ctx context.Context, j *Job, in run.Input, producer *kafkasrc.Producer, from progress) *player {
	p := &player{job: j, in: in, producer: producer, from: from, chunk: newChunk(from), spare: newChunk(from)}
	sending, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(in.Drain, func() { cancel(context.Cause(ctx)) }) })
	p.sending, p.stop = sending, func() {
		stop()
		cancel(context.Canceled)
	}
	return p
}

func newChunk(from progress) *chunk { return &chunk{parts: make([]part, from.partitions)} }

// partition is where a row goes.
func (p *player) partition(row int64, key []byte) int {
	if len(key) == 0 {
		return int(row % int64(p.from.partitions))
	}
	return kafkasrc.PartitionOf(key, p.from.partitions)
}

// wanted tells whether a row is not in the log yet.
func (p *player) wanted(row int64, key []byte) bool { return row > p.from.after[p.partition(row, key)] }

// wait waits until an event is to be played. What is gathered is sent meanwhile.
func (p *player) wait(ctx context.Context, src *source, m *message) error {
	w := &p.job.with
	if w.Rate == 0 && w.Speed == 0 {
		return nil
	}
	now := p.job.deps.Now()
	if w.Speed > 0 && !m.timed {
		return src.file.WrongRow(fmt.Sprintf("%s is empty, so speed does not know when the event happened", w.Time))
	}
	if p.played == 0 {
		p.began, p.firstTime = now, m.at
	}
	after := time.Duration(float64(p.played) / float64(max(w.Rate, 1e-9)) * float64(time.Second))
	if w.Speed > 0 {
		after = time.Duration(float64(m.at-p.firstTime) / float64(w.Speed) * float64(time.Microsecond))
	}
	for due := p.began.Add(after); due.After(now); now = p.job.deps.Now() {
		if err := p.flush(); err != nil {
			return err
		}
		timer := time.NewTimer(max(due.Sub(now), tick))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	return nil
}

// add gathers an event, and sends the chunk when it is full.
func (p *player) add(m *message) error {
	p.played++
	c := p.chunk
	b := &c.parts[p.partition(m.row, m.key)]
	was := len(b.text)
	b.text = mark{row: m.row, shift: p.from.shift, partitions: p.from.partitions, id: p.job.with.ID}.append(b.text)
	end := [3]int{len(b.text)}
	b.text = append(b.text, m.key...)
	end[1] = len(b.text)
	b.text = append(b.text, m.value...)
	end[2] = len(b.text)
	b.ends = append(b.ends, end)
	c.events++
	c.bytes += end[2] - was
	c.last = m.at
	if c.events >= chunkEvents || c.bytes >= chunkBytes {
		return p.send()
	}
	return nil
}

// send begins to send the chunk in hand, when the one before is through.
func (p *player) send() error {
	if err := p.settle(); err != nil {
		return err
	}
	c := p.chunk
	p.chunk, p.spare = p.spare, c
	now := p.job.deps.Now().UnixMilli()
	done := make(chan error, 1)
	p.inFlight, p.flying = done, c.events
	go func() {
		var g errgroup.Group
		for i := range c.parts {
			if records := c.parts[i].cut(now); len(records) > 0 {
				g.Go(func() error { return p.producer.Send(p.sending, i, records) })
			}
		}
		done <- g.Wait()
	}()
	return nil
}

// settle waits for the chunk that is being sent.
func (p *player) settle() error {
	if p.inFlight == nil {
		return p.failed
	}
	p.failed = <-p.inFlight
	p.inFlight = nil
	if p.failed != nil {
		return p.failed
	}
	p.sent += p.flying
	progress := run.Progress{Rows: p.sent, Lag: -1, Note: fmt.Sprintf("%d events", p.sent)}
	if p.spare.last != 0 {
		progress.Watermark = time.UnixMicro(p.spare.last).UTC()
	}
	p.spare.reset()
	p.in.Progress(progress)
	return nil
}

// flush sends what is gathered and waits for it.
func (p *player) flush() error {
	if p.chunk.events > 0 {
		if err := p.send(); err != nil {
			return err
		}
	}
	return p.settle()
}

func (c *chunk) reset() {
	for i := range c.parts {
		b := &c.parts[i]
		b.text, b.ends = b.text[:0], b.ends[:0]
	}
	c.events, c.bytes, c.last = 0, 0, 0
}

// cut gives the messages as records, stamped with the time of writing.
func (b *part) cut(nowMs int64) []kafkasrc.Record {
	b.records, b.headers = b.records[:0], b.headers[:0]
	start := 0
	for _, end := range b.ends {
		b.headers = append(b.headers, kafkasrc.Header{Key: header, Value: b.text[start:end[0]]})
		r := kafkasrc.Record{Value: b.text[end[1]:end[2]], TimeMs: nowMs}
		if end[1] > end[0] {
			r.Key = b.text[end[0]:end[1]]
		}
		b.records = append(b.records, r)
		start = end[2]
	}
	for i := range b.records {
		b.records[i].Headers = b.headers[i : i+1]
	}
	return b.records
}
