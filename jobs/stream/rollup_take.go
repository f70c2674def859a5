package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/ledger"
	"tillflow/sql"
)

// prepare makes or compares the rollup's table and has the ledger know it.
func (r *rollupSink) prepare(ctx context.Context, tx pgx.Tx, job string) error {
	there, err := columnsOfTable(ctx, tx, r.table.name)
	if err != nil {
		return err
	}
	if _, err := r.table.ensure(ctx, tx); err != nil {
		return err
	}
	known := r.known(job)
	r.now = known.Current
	r.name, err = ledger.RegisterRollup(ctx, tx, known, len(there) == 0)
	var taken *ledger.TakenError
	if errors.As(err, &taken) {
		return &differsError{taken.Text}
	}
	return err
}

// leave has the ledger know that rollups which are declared no longer are not kept.
func (s *sinks) leave(ctx context.Context, tx pgx.Tx, job string) error {
	kept := make([]string, len(s.rollups))
	for i, r := range s.rollups {
		kept[i] = r.name
	}
	return ledger.LeaveRollups(ctx, tx, job, kept)
}

// sameRollup says whether a rollup that the ledger knows is one of these as it is declared here. Another process may have
// started with other settings: late rows would be added to its rollup by the wrong rule, or not at all.
func (s *sinks) sameRollup(table, current string) error {
	for _, r := range s.rollups {
		if r.name == table && r.now == current {
			return nil
		}
	}
	if current == "" {
		return nil // and nobody reads it
	}
	return &differsError{fmt.Sprintf("rollup %s is declared otherwise by a process that started later: start this one again with the same settings", table)}
}

// timeIndex makes sure that the raw table has an index on event time: without one the rows since a time are looked for in all
// of it. Of a table that rows are only added to, a BRIN index is a few pages and costs next to nothing.
func (s *sinks) timeIndex(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, sql.Query("rollup_time_index"), quote(s.raw.name), eventColumn(s.schema)).Scan(&there); err != nil || there {
		return err
	}
	create := fmt.Sprintf("create index on %s using brin (%s) with (pages_per_range = 32, autosummarize = on)", quote(s.raw.name), quote(eventColumn(s.schema)))
	err := pgx.BeginFunc(ctx, tx, func(part pgx.Tx) error {
		_, err := part.Exec(ctx, create)
		return err
	})
	if code(err) == "42501" {
		return nil // not our table: slower, and right all the same
	}
	if err != nil {
		return fmt.Errorf("index %s by event time: %w", s.raw.name, err)
	}
	return nil
}

// lateForRollups notes which rows that are new belong to a rollup and come before its until, for raiseRollups.
func (w *writer) lateForRollups(r *rows, verdicts []verdict) {
	times := r.rec.Column(w.schema.EventTime()).(*array.Timestamp).TimestampValues()
	for k, roll := range w.rollups {
		until, ok := w.until[roll.name]
		if !ok {
			continue
		}
		var late []int32
		for i, v := range verdicts {
			if v.inserted && int64(times[i]) < until {
				late = append(late, int32(i))
			}
		}
		if len(late) > 0 && roll.filter != nil {
			keep := make([]bool, len(verdicts))
			for _, i := range late {
				keep[i] = true
			}
			roll.filter.Keep(r.rec, keep)
			kept := late[:0]
			for _, i := range late {
				if keep[i] {
					kept = append(kept, i)
				}
			}
			late = kept
		}
		w.before[k] = late
	}
}

// raiseRollups queues what adds the noted rows to the rollups. The returned function, never nil, releases what is queued after
// it was sent.
func (w *writer) raiseRollups(q *pgx.Batch, r *rows) (release func()) {
	var queued []arrow.Record
	for k, roll := range w.rollups {
		if len(w.before[k]) == 0 {
			continue
		}
		columns := columnsOf(r.rec, roll.sent)
		late := take(w.mem, columns, w.before[k])
		columns.Release()
		args := make([]any, len(roll.sent))
		for i := range args {
			args[i] = param(late.Column(i))
		}
		queued = append(queued, late)
		q.Queue(roll.add, args...)
	}
	return func() {
		for _, rec := range queued {
			rec.Release()
		}
	}
}

// The pace at which rollups take up rows. While there is a backlog the rows are better read from the raw table than waited
// for, but not for ever.
const (
	defaultRollupEvery = 10 * time.Second

	takeAtLast  = time.Minute
	takeBacklog = 100_000         // messages
	takeTimeout = 3 * time.Second // for the batches that are being written
	takeRows    = 250_000         // at most about so many at once, as batches wait meanwhile
)

// rollUp has the rollups take up what is due, every few seconds until ctx ends.
func (s *stream) rollUp(ctx context.Context) {
	if len(s.sinks.rollups) == 0 {
		return
	}
	tick := time.NewTicker(s.rollupEvery)
	defer tick.Stop()
	last, told := time.Now(), ""
	var looked time.Time // after the index
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, lag, err := ledger.RollupsDue(ctx, s.db, s.name)
		if err == nil && lag > takeBacklog && time.Since(last) < takeAtLast {
			continue
		}
		if err == nil && time.Since(looked) >= indexEvery {
			s.lookAfterIndex(ctx)
			looked = time.Now()
		}
		if err == nil {
			err = s.takeDue(ctx)
		}
		switch {
		case err == nil:
			last, told = time.Now(), ""
		case ctx.Err() == nil && code(err) != lockNotAvailable && err.Error() != told:
			told = err.Error()
			s.log.Warn("the rollups stay where they are for now", "err", err)
		}
	}
}

// lookAfterIndex has the index by event time mended. Rollups are right without it, only slow.
func (s *stream) lookAfterIndex(ctx context.Context) {
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return // takeDue says it
	}
	defer conn.Release()
	begun := time.Now()
	mended, err := s.sinks.mendTimeIndex(ctx, conn.Conn())
	switch {
	case mended:
		s.log.Info("the index by event time was mended: its summaries had been cut short", "table", s.sinks.raw.name, "took", time.Since(begun))
	case err != nil && ctx.Err() == nil && code(err) != lockNotAvailable:
		s.log.Warn("the index by event time stays as it is", "err", err)
	}
}

// lockNotAvailable is Postgres's code for a lock that was not had in time: batches are being written, and go first.
const lockNotAvailable = "55P03"

// takeDue has the rollups take up all rows that the watermark has passed.
func (s *stream) takeDue(ctx context.Context) error {
	due, _, err := ledger.RollupsDue(ctx, s.db, s.name)
	if err != nil || due.IsZero() {
		return err
	}
	at, err := ledger.Rollups(ctx, s.db, s.name)
	if err != nil {
		return err
	}
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	ways := map[time.Time][]time.Time{} // by where they begin: mostly all begin at one time
	for _, r := range s.sinks.rollups {
		from, known := at[r.name]
		if !known || !from.Before(due) {
			continue
		}
		if ways[from] == nil {
			if ways[from], err = s.sinks.stops(ctx, conn.Conn(), from, due, takeRows); err != nil {
				return err
			}
		}
		for _, to := range ways[from] {
			moved, err := ledger.RollUp(ctx, conn.Conn(), s.name, r.name, r.now, from, to, takeTimeout, func(condition string) string {
				return r.take(from, to, condition)
			})
			if err != nil {
				return err
			}
			if !moved {
				break // another process is at it
			}
			from = to
		}
	}
	return nil
}

// stops are the event times at which the way from one to another is cut, so that between two there are about most rows.
// Rows are counted by stretches of time, which needs no sort: a minute where nothing is known of the way, or less.
func (s *sinks) stops(ctx context.Context, conn *pgx.Conn, from, to time.Time, most int64) ([]time.Time, error) {
	at, stretch := quote(eventColumn(s.schema)), time.Minute
	condition := at + " < " + ledger.TimeLiteral(to)
	if !from.IsZero() {
		condition += " and " + at + " >= " + ledger.TimeLiteral(from)
		stretch = min(stretch, max(to.Sub(from)/stretches, time.Millisecond).Truncate(time.Microsecond))
	}
	us := stretch.Microseconds()
	rows, err := conn.Query(ctx, fmt.Sprintf("select date_bin(%s, %s, timestamp '%s'), count(*) from %s where %s group by 1 order by 1",
		interval(us), at, origin(us), quote(s.raw.name), condition))
	if err != nil {
		return nil, err
	}
	var stops []time.Time
	var begins time.Time
	var n, sum int64
	_, err = pgx.ForEachRow(rows, []any{&begins, &n}, func() error {
		if sum += n; sum >= most {
			stops, sum = append(stops, begins.UTC().Add(stretch)), 0
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count rows to roll up: %w", err)
	}
	if len(stops) > 0 && !stops[len(stops)-1].Before(to) {
		stops = stops[:len(stops)-1]
	}
	return append(stops, to), nil
}

// stretches is how many stretches of time a way is divided into, to count its rows.
const stretches = 4096
