package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/sql"
)

// A BRIN index has an entry for each range of blocks. When the making of one is cut short, as when Postgres is killed or an
// autovacuum gives way to somebody's lock, a placeholder stays in its place for good, and Postgres 15 then reads not just
// that range for each query but all later ones too: no vacuum mends it. Each time rollups took up rows they would read nearly
// the whole table, and batches wait for that. So the stream looks after the index: what it would read for a time when
// there are no rows is what it reads in vain.
const (
	indexEvery  = 5 * time.Minute
	indexVain   = 256                    // blocks that may be read in vain in any case: 2 MB
	indexPart   = 64                     // ranges that are made anew by one statement
	indexNoRows = "9000-01-01 00:00:00"  // no sale is of that time
	indexLock   = 500 * time.Millisecond // less than deadlock_timeout, after which an autovacuum in the way would be cancelled
)

// mendTimeIndex makes the entries of the raw table's BRIN index on event time anew when more than a quarter of the table is read
// in vain. It is false when there was nothing to mend.
func (s *sinks) mendTimeIndex(ctx context.Context, conn *pgx.Conn) (mended bool, err error) {
	var index string
	var size, blocks int64
	err = conn.QueryRow(ctx, sql.Query("rollup_brin"), quote(s.raw.name), eventColumn(s.schema)).Scan(&index, &size, &blocks)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the index of %s by event time: %w", s.raw.name, err)
	}
	if blocks <= indexVain {
		return false, nil
	}
	vain, err := s.readInVain(ctx, conn)
	if err != nil || vain <= max(indexVain, blocks/4) {
		return false, err
	}
	for first := int64(0); first < blocks; first += indexPart * size {
		if ctx.Err() != nil {
			return false, ctx.Err() // between two: one that is cut short leaves a placeholder itself
		}
		err := pgx.BeginFunc(context.WithoutCancel(ctx), conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(context.WithoutCancel(ctx), fmt.Sprintf("set local lock_timeout = %d", indexLock.Milliseconds())); err != nil {
				return err
			}
			_, err := tx.Exec(context.WithoutCancel(ctx), sql.Query("rollup_brin_mend"), index, first, min(first+indexPart*size, blocks), size)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("index %s has entries that were cut short, and is slow until it is mended (as its owner: reindex index concurrently %[1]s): %w", index, err)
		}
	}
	return true, nil
}

// readInVain is how many blocks of the raw table are read by its index for a time when there are no rows.
func (s *sinks) readInVain(ctx context.Context, conn *pgx.Conn) (blocks int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local enable_seqscan = off; set local max_parallel_workers_per_gather = 0"); err != nil {
			return err
		}
		at := quote(eventColumn(s.schema))
		var n, before int64
		const fetched = "select pg_stat_get_xact_blocks_fetched(to_regclass($1))"
		if err := tx.QueryRow(ctx, fetched, quote(s.raw.name)).Scan(&before); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, fmt.Sprintf("select count(*) from %s where %s >= timestamp '%s'", quote(s.raw.name), at, indexNoRows)).Scan(&n); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, fetched, quote(s.raw.name)).Scan(&blocks); err != nil {
			return err
		}
		blocks -= before
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ask what the index of %s by event time reads: %w", s.raw.name, err)
	}
	return blocks, nil
}
