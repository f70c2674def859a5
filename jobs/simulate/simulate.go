// Package simulate is the job kind `simulate.pos`: the tills of a shop that does not exist. It fills the two topics of
// sales and refunds with a believable month and then goes on live, so that a newcomer sees a whole shop at once and a
// test has a log that it can predict to the byte.
//
// What the shop sells in an hour is a function of the settings, the catalogue and the hour, of nothing else (package
// parts: [shop] with its customers, calendar and sales), and what is brought back is a function of a sale. Writing is then only a
// matter of how far a log has come, which the log itself says: each event's id grows with time, so after any end,
// kill -9 in the middle of a write included, a start reads the newest ids of each partition and goes on behind them.
// There is no other state. Nothing repeats, nothing is left out, and the time the program was off is filled in.
//
// Kafka's exactly-once reaches to the process: producing is idempotent while it lives. A request that a killed process
// had sent, and that a broker stores only after the next start has looked, would repeat events with the same ids.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about the shop. Every key may be left out.
type With struct {
	Rate        strictyaml.Rate     `yaml:"rate" doc:"sales, on average over a week; default 30/m"`
	History     *time.Duration      `yaml:"history" doc:"what an empty topic is filled with before going live, from a full hour on; default 30d"`
	HistoryRate strictyaml.Rate     `yaml:"history_rate" doc:"sales of the history, when other than rate"`
	Refunds     *strictyaml.Percent `yaml:"refunds" doc:"share of the sales that are brought back; default 10%"`
	Seed        *int64              `yaml:"seed" doc:"the same seed and clock give the same events; default 42"`
	Customers   int                 `yaml:"customers" doc:"about how many there are at a time; default 20000"`
	Partitions  int                 `yaml:"partitions" doc:"of each topic, when it has to be made; default 2"`
	Topics      Topics              `yaml:"topics" doc:"the names of the two topics"`
}

// Topics are the names of the two topics.
type Topics struct {
	Transactions string `yaml:"transactions" doc:"default transactions"`
	Refunds      string `yaml:"refunds" doc:"default refunds"`
}

// Limits of the settings.
const (
	maxRate      = 1000 // sales a second: the busiest second of it still fits the ids
	maxCustomers = 1_000_000
	maxHistory   = 3650 * 24 * time.Hour
)

// Check finds settings that no shop can have.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var problems []strictyaml.Problem
	wrong := func(bad bool, key, msg, hint string) {
		if bad {
			pos := at(key)
			problems = append(problems, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
		}
	}
	const tooFast = " is more than the event ids have room for"
	wrong(w.Rate > maxRate, "rate", "rate"+tooFast, "at most 1000/s")
	wrong(w.HistoryRate > maxRate, "history_rate", "history_rate"+tooFast, "at most 1000/s")
	wrong(w.History != nil && (*w.History < 0 || *w.History > maxHistory), "history", "history is out of range", "from 0s to 3650d")
	wrong(w.Customers < 0 || w.Customers > maxCustomers, "customers", "number of customers is out of range", "from 1 to 1000000")
	wrong(w.Partitions < 0, "partitions", "number of partitions is negative", "")
	full := w.withDefaults()
	wrong(full.Topics.Transactions == full.Topics.Refunds, "topics", "sales and refunds need a topic each", "")
	return problems
}

func (w With) withDefaults() With {
	if w.Rate == 0 {
		w.Rate = 0.5
	}
	if w.HistoryRate == 0 {
		w.HistoryRate = w.Rate
	}
	if w.History == nil {
		w.History = new(30 * 24 * time.Hour)
	}
	if w.Refunds == nil {
		w.Refunds = new(strictyaml.Percent(0.10))
	}
	if w.Seed == nil {
		w.Seed = new(int64(42))
	}
	if w.Customers == 0 {
		w.Customers = 20_000
	}
	if w.Partitions == 0 {
		w.Partitions = 2
	}
	if w.Topics.Transactions == "" {
		w.Topics.Transactions = "transactions"
	}
	if w.Topics.Refunds == "" {
		w.Topics.Refunds = "refunds"
	}
	return w
}

// Produces are the topics the job writes to, for a plan: whoever reads them comes after it.
func (w With) Produces() []string {
	w = w.withDefaults()
	return []string{w.Topics.Transactions, w.Topics.Refunds}
}

// Deps is what the job works with.
type Deps struct {
	DB      *pgxpool.Pool // the catalogue and the stores are read from it once, at the start of a run
	Brokers []string
	Log     *slog.Logger
	Now     func() time.Time // default time.Now
}

// Job writes the events of a simulated shop.
type Job struct {
	name string
	with With
	deps Deps
}

// New makes the job.
func New(name string, w With, d Deps) (*Job, error) {
	none := func(...string) strictyaml.Pos { return strictyaml.Pos{} }
	if ps := w.Check(none); len(ps) > 0 {
		return nil, fmt.Errorf("%s: %s (%s)", name, ps[0].Msg, ps[0].Hint)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Job{name: name, with: w.withDefaults(), deps: d}, nil
}

// Run writes the shop's events until ctx ends; with in.Once up to the time at which it began. Events are written once
// their time has come and never before. RowsWritten counts them.
//
// While a broker or Postgres is away it waits. It gives up when the catalogue is empty or the broker refuses for good.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	if j.deps.Now().Unix() < idEpoch {
		return run.Result{}, errors.New("the clock is before 2020, where event ids begin: set it")
	}
	products, stores, err := j.catalogue(ctx)
	if err != nil {
		return run.Result{}, err
	}
	client, err := kafkasrc.Open(j.deps.Brokers, kafkasrc.Options{Log: j.deps.Log.With("job", j.name), Patience: 2 * time.Second})
	if err != nil {
		return run.Result{}, err
	}
	defer client.Close()
	out, err := newOutlet(ctx, client, j.with)
	if err != nil {
		return run.Result{}, ended(ctx, err)
	}
	legs, err := j.legs(ctx, client, out, products, stores)
	if err != nil {
		return run.Result{}, ended(ctx, err)
	}
	p := &pourer{in: in, out: out, clock: j.deps.Now, gauge: legs[0].gauge()}
	if in.Once {
		stand := j.deps.Now()
		p.clock = func() time.Time { return stand }
	}
	for _, l := range legs {
		if err := p.pour(ctx, l); err != nil {
			return p.result(), ended(ctx, err)
		}
	}
	return p.result(), nil
}

func (p *pourer) result() run.Result {
	return run.Result{RowsWritten: p.gauge.written, Note: fmt.Sprintf("%d events written", p.gauge.written)}
}

// ended gives the cause of the context's end in place of the error it led to: the runner knows which cause is a clean stop.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// shops are the shop that sells now and the one that sold the history; they differ in the rate only.
func (j *Job) shops(products []product, stores []store) (now, before *shop, err error) {
	s := settings{
		seed: uint64(*j.with.Seed), rate: float64(j.with.Rate), refunds: float64(*j.with.Refunds), customers: j.with.Customers,
	}
	if now, err = newShop(s, products, stores); err != nil {
		return nil, nil, err
	}
	if j.with.HistoryRate == j.with.Rate {
		return now, now, nil
	}
	s.rate = float64(j.with.HistoryRate)
	before, err = newShop(s, products, stores)
	return now, before, err
}
