package segments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/publish"
	"tillflow/sql"
)

var (
	qDay    = sql.Query("segments_day")
	qLive   = sql.Query("segments_live")
	qBefore = sql.Query("segments_before")
	qAfter  = sql.Query("segments_after")
	qPrune  = sql.Query("segments_prune")
)

// tables are the names of what a job writes, beside segment_runs.
type tables struct{ live, history, movements string }

var usual = tables{"customer_segments", "customer_segment_history", "segment_movements"}

// tablesOf names the tables of `into`.
func tablesOf(into string) tables {
	if into == usual.live {
		return usual
	}
	return tables{into, into + "_history", into + "_movements"}
}

// make makes the tables that are not there.
func (t tables) make(ctx context.Context, conn *pgx.Conn) error {
	for _, pair := range [][2]string{{t.live, usual.live}, {t.history, usual.history}, {t.movements, usual.movements}} {
		if err := publish.Like(ctx, conn, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// in puts the names in a query that is written for the usual ones.
func (t tables) in(query string) string {
	name := func(table string) string { return publish.Name(table).Sanitize() }
	return strings.NewReplacer(usual.live, name(t.live), usual.history, name(t.history), usual.movements, name(t.movements)).Replace(query)
}

// forgetMoves takes out who had moved to the segments that are about to be replaced, unless the history has that time too.
func (j *Job) forgetMoves(ctx context.Context, tx pgx.Tx) error {
	var asOf time.Time
	var kept bool
	err := tx.QueryRow(ctx, qLive, j.with.Into).Scan(&asOf, &kept)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && kept {
		return nil
	}
	if err == nil {
		err = j.deleteMoves(ctx, tx, asOf)
	}
	return j.moveError(err)
}

// movements works out who moved to what was written as of a time and, when it went into the history, who moved from there to
// what comes next.
func (j *Job) movements(ctx context.Context, tx pgx.Tx, asOf time.Time, kept bool) (note string, err error) {
	kind := "live"
	if kept {
		kind = "history"
	}
	moved, since, err := j.move(ctx, tx, asOf, kind)
	if err != nil {
		return "", j.moveError(err)
	}
	if !since.IsZero() {
		note = fmt.Sprintf(", %s moved since %s", thousands(int(moved)), since.Format("2006-01-02 15:04"))
	}
	if !kept {
		return note, nil
	}
	var next time.Time
	err = tx.QueryRow(ctx, qAfter, j.with.Into, asOf).Scan(&next, &kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return note, nil
	}
	if err == nil {
		_, _, err = j.move(ctx, tx, next, kind)
	}
	return note, j.moveError(err)
}

// move replaces the movements as of one time by those since the last snapshot before it; there are none when it is zero.
func (j *Job) move(ctx context.Context, tx pgx.Tx, asOf time.Time, kind string) (moved int64, since time.Time, err error) {
	if err := j.deleteMoves(ctx, tx, asOf); err != nil {
		return 0, since, err
	}
	var before *time.Time
	if err := tx.QueryRow(ctx, qBefore, j.with.Into, asOf).Scan(&before); err != nil || before == nil {
		return 0, since, err
	}
	tag, err := tx.Exec(ctx, j.names.in(sql.Query("segments_moves_"+kind)), asOf, *before)
	return tag.RowsAffected(), *before, err
}

func (j *Job) deleteMoves(ctx context.Context, tx pgx.Tx, asOf time.Time) error {
	_, err := tx.Exec(ctx, "delete from "+publish.Name(j.names.movements).Sanitize()+" where as_of = $1", asOf)
	return err
}

// prune removes the snapshots that are too old at a time, and the movements to them.
func (j *Job) prune(ctx context.Context, tx pgx.Tx, asOf time.Time) error {
	if j.with.Keep == nil {
		return nil
	}
	oldest := asOf.Add(-*j.with.Keep)
	for _, query := range []string{
		"delete from " + publish.Name(j.names.history).Sanitize() + " where as_of < $1",
		"delete from " + publish.Name(j.names.movements).Sanitize() + " where as_of < $1",
	} {
		if _, err := tx.Exec(ctx, query, oldest); err != nil {
			return fmt.Errorf("remove snapshots from before %s: %w", oldest.Format(time.DateTime), err)
		}
	}
	if _, err := tx.Exec(ctx, qPrune, j.with.Into, oldest); err != nil {
		return fmt.Errorf("remove snapshots from before %s: %w", oldest.Format(time.DateTime), err)
	}
	return nil
}

func (j *Job) moveError(err error) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", j.names.movements, err)
	}
	return nil
}
