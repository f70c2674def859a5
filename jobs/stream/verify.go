package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
)

// Proof is what Verify found: the accounts of a stream, and everything that does not add up.
type Proof struct {
	Job         string              `json:"job"`
	Partitions  []ledger.Account    `json:"partitions"`
	Tables      []TableCount        `json:"tables"`
	Differences []ledger.Difference `json:"-"`
	Skips       []ledger.Skip       `json:"skips,omitempty"` // what a person has declared: offsets that were never read, new logs
	Notes       []string            `json:"notes,omitempty"` // what could not be proven, and why
}

// TableCount is how many rows a table of the stream has.
type TableCount struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// verifyTimeout bounds one statement of a proof.
const verifyTimeout = 10 * time.Minute

// Verify proves that nothing was lost or doubled: for each partition, log range = inserted + duplicates + dead + held +
// dropped, entry by entry, where an offset in a declared gap holds no message; as many dead letters, held rows and late rows are there as the ledger says; the raw table
// has the inserted rows; each window has the totals of the raw rows that were not late for it, and each rollup those of the
// raw rows it has taken up. It reads one snapshot of the database, so the stream may go on meanwhile, and changes nothing. Of the log it reads only what the ledger alone
// cannot prove; without a broker the rest is proven.
func (j *Job) Verify(ctx context.Context) (Proof, error) {
	s, err := newSinks(j.with)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Job: j.name}
	var sparse []ledger.Difference
	var messages []int64
	err = pg.ReadOnly(ctx, j.deps.DB, verifyTimeout, func(tx pgx.Tx) (err error) {
		if p.Partitions, p.Differences, err = ledger.Audit(ctx, tx, j.name); err != nil {
			return err
		}
		if len(p.Partitions) == 0 {
			p.note("the stream never ran")
			return nil
		}
		if p.Skips, err = ledger.Skips(ctx, tx, j.name); err != nil {
			return err
		}
		if sparse, messages, err = ledger.Sparse(ctx, tx, j.name, j.with.Topic); err != nil {
			return err
		}
		if err := p.raw(ctx, tx, s); err != nil {
			return err
		}
		for _, win := range s.windows {
			if err := p.window(ctx, tx, s, win); err != nil {
				return err
			}
		}
		for _, r := range s.rollups {
			if err := p.rollup(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(p.Partitions) > 0 {
		p.log(ctx, j, sparse, messages)
	}
	return p, err
}

// raw compares the raw table with the rows that the ledger says were inserted.
func (p *Proof) raw(ctx context.Context, tx pgx.Tx, s *sinks) error {
	n, err := p.count(ctx, tx, s.raw.name)
	if err != nil {
		return err
	}
	var inserted int64
	for _, a := range p.Partitions {
		inserted += a.Inserted
	}
	if n != inserted {
		p.differ("table %s has %d rows, the ledger says %d were inserted", s.raw.name, n, inserted)
	}
	return nil
}

func (p *Proof) count(ctx context.Context, tx pgx.Tx, table string) (n int64, err error) {
	if err := tx.QueryRow(ctx, "select count(*) from "+quote(table)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	p.Tables = append(p.Tables, TableCount{table, n})
	return n, nil
}

func (p *Proof) differ(format string, args ...any) {
	p.Differences = append(p.Differences, ledger.Difference{Partition: -1, What: fmt.Sprintf(format, args...)})
}

// window compares a window table with the raw rows.
func (p *Proof) window(ctx context.Context, tx pgx.Tx, s *sinks, win *windowSink) error {
	if _, err := p.count(ctx, tx, win.table.name); err != nil {
		return err
	}
	if len(win.sketches) > 0 {
		p.note("table %s: approx_distinct is an estimate and was not compared", win.table.name)
	}
	have, err := columnsOfTable(ctx, tx, win.table.name)
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", win.table.name, err)
	}
	marked := win.revise != "" && slices.ContainsFunc(have, func(h found) bool { return h.Name == revisedColumn })
	return p.compare(ctx, tx, win.table.name, s.raw.name, "windows", s.recount(win, marked), p.Job)
}

// compare tells what a query finds that recounts totals: how many differ, and of the first few the key, what is there and
// what should be.
func (p *Proof) compare(ctx context.Context, tx pgx.Tx, table, raw, things, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", table, raw, err)
	}
	var all int64
	var where, is, should string
	_, err = pgx.ForEachRow(rows, []any{&all, &where, &is, &should}, func() error {
		p.differ("table %s at %s has %s, its raw rows give %s", table, where, is, should)
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", table, raw, err)
	}
	if all > shownDifferences {
		p.differ("table %s differs in %d %s in all", table, all, things)
	}
	return nil
}

// shownDifferences is how many windows or keys that differ are named.
const shownDifferences = 5

// rollup compares a rollup with the raw rows before its until.
func (p *Proof) rollup(ctx context.Context, tx pgx.Tx, r *rollupSink) error {
	there, err := columnsOfTable(ctx, tx, r.table.name)
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", r.table.name, err)
	}
	if len(there) == 0 {
		p.note("table %s is not there yet: the stream has not run since it was declared", r.table.name)
		return nil
	}
	if _, err := p.count(ctx, tx, r.table.name); err != nil {
		return err
	}
	known, err := ledger.FindRollup(ctx, tx, r.table.name)
	var unknown *ledger.UnknownRollupError
	if errors.As(err, &unknown) {
		p.note("table %s is not kept yet: the stream has not run since it was declared", r.table.name)
		return nil
	}
	if err != nil {
		return err
	}
	if now := r.known(p.Job); now.Whole != known.Whole || now.Current != known.Current {
		p.note("table %s is declared otherwise now, and the stream has not run since: it was not compared", r.table.name)
		return nil
	}
	return p.compare(ctx, tx, r.table.name, r.raw, "keys", r.recount(known.Until))
}

// log compares the ledger with the log itself, as far as the broker still has it.
func (p *Proof) log(ctx context.Context, j *Job, sparse []ledger.Difference, messages []int64) {
	client, err := kafkasrc.Open(j.deps.Brokers, kafkasrc.Options{Log: j.deps.Log, ClientID: "tillflow-verify-" + j.name})
	if err != nil {
		p.note("the log was not compared: %v", err)
		return
	}
	defer client.Close()
	short, cancel := context.WithTimeout(ctx, brokerPatience)
	ranges, err := client.Offsets(short, j.with.Topic)
	cancel()
	if err != nil {
		p.note("the log was not compared: %v", err)
		return
	}
	for _, a := range p.Partitions {
		if r, ok := ranges[a.Partition]; a.Topic == j.with.Topic && ok && a.Next > r.End {
			p.Differences = append(p.Differences, ledger.Difference{Topic: a.Topic, Partition: a.Partition,
				What: fmt.Sprintf("the partition stands at offset %d, but its log ends at %d: the log lost its end or is another one", a.Next, r.End)})
		}
	}
	for i, e := range sparse {
		if e.First < ranges[e.Partition].Start {
			p.note("%s/%d: offsets %d to %d hold %d messages by the ledger; the log no longer has them", e.Topic, e.Partition, e.First, e.Next-1, messages[i])
			continue
		}
		n, err := countMessages(ctx, client.NewFetcher(e.Topic, e.Partition), e.First, e.Next)
		if err != nil {
			p.note("%s/%d: offsets %d to %d were not compared: %v", e.Topic, e.Partition, e.First, e.Next-1, err)
			continue
		}
		if n != messages[i] {
			e.What = fmt.Sprintf("the log has %d messages, the entry %d", n, messages[i])
			p.Differences = append(p.Differences, e)
		}
	}
}

// brokerPatience is how long a proof waits for a broker that does not answer.
const brokerPatience = 10 * time.Second

func (p *Proof) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// countMessages counts the messages with offsets in [first, next).
func countMessages(ctx context.Context, f *kafkasrc.Fetcher, first, next int64) (n int64, err error) {
	for at := first; at < next; {
		got, err := f.Fetch(ctx, at, time.Second, func(m *kafkasrc.Message) error {
			if m.Offset >= first && m.Offset < next {
				n++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		if got.Next == at {
			return n, fmt.Errorf("nothing at offset %d", at)
		}
		at = got.Next
	}
	return n, nil
}
