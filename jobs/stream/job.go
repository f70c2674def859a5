package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/strictyaml"
)

// Deps is what a stream is given. DB and Brokers must be set.
type Deps struct {
	DB       *pgxpool.Pool
	Brokers  []string
	Log      *slog.Logger // default: nowhere
	Instance string       // this process among those that share the stream, the same after a restart; default: host and pid

	LeaseTTL time.Duration    // how long a silent process keeps its partitions; default 5s
	Alloc    memory.Allocator // of Arrow records; default Go's

	RollupEvery time.Duration // how often rollups take up what is due; default 10s
}

const defaultTTL = 5 * time.Second

// Job is one stream.kafka job. It may run again and again, one run at a time.
type Job struct {
	name string
	with With
	deps Deps

	sized bool // the settings say how large a batch is
}

// New checks the settings, so that a Job that exists can run. The error names every problem.
func New(name string, w With, d Deps) (*Job, error) {
	if ps := w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }); len(ps) > 0 {
		var all []error
		for _, p := range ps {
			if p.Hint != "" {
				p.Msg += " (" + p.Hint + ")"
			}
			all = append(all, errors.New(p.Msg))
		}
		return nil, fmt.Errorf("stream %s: %w", name, errors.Join(all...))
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Alloc == nil {
		d.Alloc = memory.DefaultAllocator
	}
	if d.RollupEvery == 0 {
		d.RollupEvery = defaultRollupEvery
	}
	if d.LeaseTTL == 0 {
		d.LeaseTTL = defaultTTL
	}
	if d.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "localhost"
		}
		d.Instance = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return &Job{name: name, with: w.withDefaults(), deps: d, sized: w.Batch > 0}, nil
}

// Run reads the topic into the tables until ctx ends, or, with in.Once, up to the log ends seen at the start. Trouble
// that passes is waited for inside. It returns context.Cause(ctx) after a stop, and an error when the tables are not
// what the sinks declare or the log is not the one that was read so far.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	return j.run(ctx, in, false)
}

// run is Run, or, with onlySettle, once and without reading on: only what waits is tried again.
func (j *Job) run(ctx context.Context, in run.Input, onlySettle bool) (run.Result, error) {
	log := j.deps.Log.With("job", j.name)
	states := newTroubles(j.name, time.Now)
	client, err := kafkasrc.Open(j.deps.Brokers, kafkasrc.Options{Log: log, ClientID: "tillflow-" + j.name, Patience: 2 * time.Second,
		Trouble: states.kafka})
	if err != nil {
		return run.Result{}, err
	}
	defer client.Close()
	s, err := newSinks(j.with)
	if err != nil {
		return run.Result{}, err
	}
	if in.Drain <= 0 {
		in.Drain = defaultDrain
	}
	if in.Progress == nil {
		in.Progress = func(run.Progress) {}
	}
	st := &stream{
		name: j.name, with: j.with, db: j.deps.DB, kafka: client, sinks: s, mem: j.deps.Alloc, log: log, in: in, onlySettle: onlySettle, sized: j.sized,
		rollupEvery: j.deps.RollupEvery,
		member:      ledger.Member{Job: j.name, Topic: j.with.Topic, Name: j.deps.Instance, TTL: j.deps.LeaseTTL},
		troubles:    states,
	}
	err = st.start(ctx)
	if err == nil {
		err = st.coordinate(ctx)
	} else if ctx.Err() == nil {
		st.failed(ctx, err)
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = context.Cause(ctx)
	}
	return st.result(), err
}

// defaultDrain is how long a batch in hand may take after a stop.
const defaultDrain = 10 * time.Second

// stream is one run of a job.
type stream struct {
	name   string
	with   With
	db     *pgxpool.Pool
	kafka  *kafkasrc.Client
	sinks  *sinks
	mem    memory.Allocator
	log    *slog.Logger
	in     run.Input
	member ledger.Member

	onlySettle bool // read nothing
	sized      bool // with.Batch was given

	rollupEvery time.Duration

	logID   logID
	rows    int            // in a batch while there is a backlog
	wide    int            // likewise, when keys come in no order
	writers chan struct{}  // as many as may write at once
	ends    map[int]int64  // once mode: where the work ends
	scout   *scout         // looks at the topic now and then
	total   counters       // since the start of this run
	told    [6]atomic.Bool // by kind of trouble: the first was logged
	drift   drift          // fields nobody declared

	troubles *troubles // what is wrong with it now
}

// start finds the topic, makes or compares the tables and the ledger's rows.
func (s *stream) start(ctx context.Context) error {
	again := s.retrying(s.log, "start", "", kafkaSide)
	defer again.end()
	sctx, cancel := context.WithCancel(ctx)
	var side sync.WaitGroup
	side.Go(func() { s.tellAtStart(sctx) })
	defer side.Wait()
	defer cancel()
	for {
		err := s.tryStart(ctx)
		if err == nil {
			again.ok()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !passes(err) {
			return err
		}
		if !again.wait(ctx, err) {
			return context.Cause(ctx)
		}
	}
}

func (s *stream) tryStart(ctx context.Context) error {
	slow, err := s.sinks.prepare(ctx, s.db, s.name)
	if err != nil {
		return err
	}
	topic, err := s.topic(ctx)
	if err != nil {
		return err
	}
	ranges, err := s.kafka.Offsets(ctx, s.with.Topic)
	if err != nil {
		return err
	}
	s.scout = newScout(s, topic, ranges)
	if err := ledger.Register(ctx, s.db, s.name, s.settings()); err != nil {
		return err
	}
	if err := ledger.Ensure(ctx, s.db, s.name, s.with.Topic, s.scout.starts()); err != nil {
		return err
	}
	s.logID = logID{topic.ClusterID, topic.ID}
	if s.in.Once {
		s.ends = map[int]int64{}
		for p, r := range ranges {
			if s.ends[p] = r.End; s.onlySettle {
				s.ends[p] = 0
			}
		}
	}
	s.rows = s.with.Batch
	s.wide = s.rows
	if !s.sized {
		s.rows = min(s.rows, max(leastBatch, defaultRows/max(1, len(topic.Partitions))))
		s.wide = wider * s.rows
	}
	s.writers = make(chan struct{}, max(1, min(len(topic.Partitions), runtime.GOMAXPROCS(0))))
	s.troubles.clear(-1, slices.Concat(readingKinds, writingKinds))
	if slow == "" {
		s.troubles.clear(-1, []string{string(rowByRow)})
	} else {
		s.log.Warn("foreign keys are checked row by row; measured: "+slowCost, "because", slow)
		s.troubles.see(string(rowByRow), -1, rowByRow, slow+" (measured: "+slowCost+")", nil)
	}
	return nil
}

// slowCost is what the triggers of two foreign keys cost a stream on one connection, with small dimensions. Source: the
// table of write paths, own binary COPY of 50,000 rows: 95,000 rows/s with the triggers, 480,000 to 680,000 without.
const slowCost = "about 95,000 rows/s instead of 580,000 on two cores"

// tellAtStart notes in the ledger what the stream waits for before it has a coordinator, until ctx ends.
func (s *stream) tellAtStart(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		short, cancel := context.WithTimeout(ctx, rollbackTime)
		if err := s.troubles.tell(short, s.member, s.db); err != nil && ctx.Err() == nil {
			s.log.Debug("the state is not in the ledger yet", "err", err)
		}
		cancel()
	}
}

// failed notes what kept the stream from starting.
func (s *stream) failed(ctx context.Context, err error) {
	k, offset := stopKind(err)
	s.troubles.see("start", -1, k, err.Error(), offset)
	ctx, cancel := context.WithTimeout(ctx, rollbackTime)
	defer cancel()
	if err := s.troubles.tell(ctx, s.member, s.db); err != nil {
		s.log.Debug("the state is not in the ledger", "err", err)
	}
}

// topic asks for the topic and makes it when there is none.
func (s *stream) topic(ctx context.Context) (kafkasrc.Topic, error) {
	short, cancel := context.WithTimeout(ctx, topicPatience)
	t, err := s.kafka.Topic(short, s.with.Topic)
	cancel()
	var unknown *kafkasrc.UnknownTopicError
	if err == nil || ctx.Err() != nil || !errors.As(err, &unknown) {
		return t, err
	}
	if err := s.kafka.EnsureTopic(ctx, s.with.Topic, s.with.Partitions); err != nil {
		return t, err
	}
	s.log.Info("topic made", "topic", s.with.Topic, "partitions", s.with.Partitions)
	return s.kafka.Topic(ctx, s.with.Topic)
}

// topicPatience is how long a topic that does not exist is asked for before it is made.
const topicPatience = 200 * time.Millisecond
