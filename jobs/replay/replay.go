// Package replay is the job kind `replay.csv`: the rows of a file as events in a topic, so that a stream can be tried, or
// filled, with what a shop really sold. It ends with the file.
//
// A row becomes a JSON object by the fields of the dagfile; an empty cell is null. A message's key is the value of the key
// field, and its partition the one that Kafka's Java clients choose for the key (murmur2), so that replayed and live events of one
// customer stand in the same partition; without a key, or where its cell is empty, row n goes to partition n modulo their number.
// Messages are stamped with the time they are written, so that a broker's retention does not take a recorded year away.
//
// Each message says in a header which row it is. A start reads the newest of these headers in each partition and goes on
// behind it, with the same shift and the same partitions: after any end, kill -9 included, every row is in the log once,
// and a replay that is through writes nothing more. That holds for as long as the broker keeps the newest message of each
// partition; when retention has taken all of a replay's messages, it begins anew. As with any producer, a request that a killed process had sent, and that
// the broker stores only after the next start has looked, would repeat its rows.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/strictyaml"
)

// Deps is what a replay works with.
type Deps struct {
	Brokers []string
	Log     *slog.Logger
	Now     func() time.Time // default time.Now
	Dir     string           // folder of the dagfile
}

// Job replays a file.
type Job struct {
	name string
	with With
	deps Deps
}

// New makes the job. The file is read when it runs.
func New(name string, w With, d Deps) (*Job, error) {
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		return nil, errors.New(p.Msg)
	}
	if w.Partitions == 0 {
		w.Partitions = 2
	}
	if w.ID == "" {
		w.ID = name
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Job{name: name, with: w, deps: d}, nil
}

// Run writes the rows that are not in the log yet. RowsRead counts those of the file, RowsWritten those that this run wrote.
// A mistake in the file is an error with its line and column; the rows before it have been written then, and a further
// run goes on at that row when the file is mended.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	client, err := kafkasrc.Open(j.deps.Brokers, kafkasrc.Options{Log: j.deps.Log.With("job", j.name), Patience: 2 * time.Second})
	if err != nil {
		return run.Result{}, err
	}
	defer client.Close()
	if err := client.EnsureTopic(ctx, j.with.Topic, j.with.Partitions); err != nil {
		return run.Result{}, ended(ctx, err)
	}
	producer, err := client.NewProducer(ctx, j.with.Topic)
	if err != nil {
		return run.Result{}, ended(ctx, err)
	}
	from, err := j.resume(ctx, client)
	if err != nil {
		return run.Result{}, ended(ctx, err)
	}
	if !from.began {
		if from.shift, err = j.shift(); err != nil {
			return run.Result{}, err
		}
	}
	src, err := j.open(from.shift)
	if err != nil {
		return run.Result{}, err
	}
	defer src.file.Close() //nolint:errcheck // only read
	p := newPlayer(ctx, j, in, producer, from)
	defer p.stop()
	err = p.play(ctx, src)
	if e := p.flush(); err == nil {
		err = e
	}
	res := run.Result{RowsRead: src.file.Rows, RowsWritten: p.sent, Note: fmt.Sprintf("%d events written", p.sent)}
	if err != nil {
		return res, ended(ctx, err)
	}
	if from.began && p.sent == 0 {
		res.Note = fmt.Sprintf("all %d rows are in the topic already", src.file.Rows)
	}
	return res, nil
}

// shift is what is added to every timestamp, in microseconds. It is found once; the log keeps it.
func (j *Job) shift() (int64, error) {
	if j.with.Shift.To == "" {
		return j.with.Shift.By.Microseconds(), nil
	}
	src, err := j.open(0)
	if err != nil {
		return 0, err
	}
	defer src.file.Close() //nolint:errcheck // only read
	first, last, ok, err := src.bounds()
	if err != nil || !ok {
		return 0, err
	}
	at := first
	if j.with.Shift.To == "last-to-now" {
		at = last
	}
	return j.deps.Now().Truncate(time.Second).UnixMicro() - at, nil
}

// play gathers and sends the rows at their time.
func (p *player) play(ctx context.Context, src *source) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m, ok, err := src.next(p.wanted)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := p.wait(ctx, src, &m); err != nil {
			return err
		}
		if err := p.add(&m); err != nil {
			return err
		}
	}
}

// ended gives the cause of the context's end in place of the error it led to: the runner knows which cause is a clean stop.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
