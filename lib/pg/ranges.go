package pg

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/sync/errgroup"

	"tillflow/sql"
)

var (
	qTable  = sql.Query("ranges_table")
	qExport = sql.Query("ranges_export")
)

const (
	rangePages = 1024 // of a range at least; 8 MB
	maxRanges  = 64
	maxReaders = 4 // connections; each is a process of Postgres that works for this query alone
)

// Arguments is how many arguments a query takes, not counting the ends of a range of its table, see [CopyOut].
func Arguments(query *pgconn.StatementDescription) int {
	n := len(query.ParamOIDs)
	if inRanges(query, n-2) {
		return n - 2
	}
	return n
}

// inRanges tells whether a query of so many arguments takes two more: the ends of a range of places in a table.
func inRanges(query *pgconn.StatementDescription, args int) bool {
	oids := query.ParamOIDs
	return args >= 0 && len(oids) == args+2 && oids[args] == pgtype.TIDOID && oids[args+1] == pgtype.TIDOID
}

// place is the beginning of a page.
func place(page int64) pgtype.TID {
	return pgtype.TID{BlockNumber: uint32(min(page, math.MaxUint32)), OffsetNumber: 0, Valid: true}
}

// copyRanges runs a query for one range of the table after the other, over several connections. The result is in the order
// of the ranges.
func copyRanges(ctx context.Context, conn *pgx.Conn, query *pgconn.StatementDescription, args []any, cols []Column) error {
	one := func(ctx context.Context, conn *pgx.Conn, from, to int64, cols []Column) error {
		sd, err := conn.PgConn().Prepare(ctx, "", query.SQL, nil) // planned anew, for this range
		if err != nil {
			return fmt.Errorf("prepare query: %w", err)
		}
		return copyOut(ctx, conn, sd, append(slices.Clip(args), place(from), place(to)), cols)
	}
	pages, err := size(ctx, conn, query)
	if err != nil {
		return err
	}
	n := min(pages/rangePages, maxRanges)
	snapshot := ""
	if n > 1 && conn.PgConn().TxStatus() == 'T' {
		if err := conn.QueryRow(ctx, qExport).Scan(&snapshot); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("share the snapshot: %w", err)
		}
	}
	if snapshot == "" { // outside of a transaction that keeps to one there is none
		return one(ctx, conn, 0, math.MaxUint32, cols)
	}
	rows, err := expected(ctx, conn, query, append(slices.Clip(args), place(0), place(math.MaxUint32)))
	if err != nil {
		return err
	}
	rooms, begins := make([]int, n), make([]int64, n+1)
	for i := range rooms {
		begins[i+1] = pages * (int64(i) + 1) / n
		rooms[i] = int(rows/float64(n)*1.02) + 100 // ranges are of nearly one size
	}
	begins[n] = math.MaxUint32
	parts := make([][]Column, n)
	for i := range parts {
		parts[i] = make([]Column, len(cols))
	}
	joins := make([]func(), len(cols))
	for c, col := range cols {
		of, join := col.split(rooms)
		joins[c] = join
		for i := range of {
			parts[i][c] = of[i]
		}
	}
	var next atomic.Int64
	read := func(ctx context.Context, conn *pgx.Conn) error {
		for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
			if err := one(ctx, conn, begins[i], begins[i+1], parts[i]); err != nil {
				return fmt.Errorf("from page %d: %w", begins[i], err)
			}
		}
		return nil
	}
	readers, ctx := errgroup.WithContext(ctx)
	connecting, enough := context.WithCancel(ctx) // who is still connecting when all is read need not
	defer enough()
	for range min(int(n), runtime.GOMAXPROCS(0), maxReaders) - 1 {
		readers.Go(func() error {
			beside, err := pgx.ConnectConfig(connecting, conn.Config())
			if err != nil { // there is none to be had: the others do the work
				return context.Cause(ctx)
			}
			return readBeside(ctx, beside, snapshot, read)
		})
	}
	readers.Go(func() error {
		defer enough()
		return read(ctx, conn)
	})
	if err := readers.Wait(); err != nil {
		return err
	}
	for _, join := range joins {
		join()
	}
	return nil
}

// size is how many pages the table has whose columns a query gives; none when that is no table.
func size(ctx context.Context, conn *pgx.Conn, query *pgconn.StatementDescription) (pages int64, err error) {
	table := uint32(0)
	for _, f := range query.Fields {
		if f.TableOID != 0 && table != 0 && f.TableOID != table {
			return 0, nil // of several
		}
		table = max(table, f.TableOID)
	}
	err = conn.QueryRow(ctx, qTable, int64(table)).Scan(&pages)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("ask for the size of the table: %w", err)
	}
	return pages, nil
}

// expected is how many rows Postgres expects a query to give. What is wrong about it costs memory or time, nothing else.
func expected(ctx context.Context, conn *pgx.Conn, query *pgconn.StatementDescription, args []any) (float64, error) {
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := conn.QueryRow(ctx, "explain (format json) "+query.SQL, args...).Scan(&plans); err != nil {
		return 0, fmt.Errorf("ask for the plan of the query: %w", err)
	}
	if len(plans) == 0 {
		return 0, nil
	}
	return plans[0].Plan.Rows, nil
}

// leaveTime bounds how long saying good-bye to Postgres may take.
const leaveTime = 5 * time.Second

// readBeside calls read with a connection of its own, which it closes, that sees a snapshot.
func readBeside(ctx context.Context, conn *pgx.Conn, snapshot string, read func(context.Context, *pgx.Conn) error) error {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		defer cancel()
		_ = conn.Close(ctx) // it only read
	}()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// The name of a snapshot is digits and dashes; the statement takes no parameter.
		if _, err := tx.Exec(ctx, "set transaction snapshot '"+strings.ReplaceAll(snapshot, "'", "''")+"'"); err != nil {
			return fmt.Errorf("take the shared snapshot: %w", err)
		}
		return read(ctx, tx.Conn())
	})
}

// split makes columns for the parts of a result, in one array when each has about as many rows as it is given room for,
// and a function that appends them to dst.
func split[T any](dst *[]T, rooms []int, column func(*[]T) Column) (parts []Column, join func()) {
	total := 0
	for _, n := range rooms {
		total += n
	}
	whole, values := make([]T, total), make([][]T, len(rooms))
	from := 0
	for i, n := range rooms {
		values[i] = whole[from : from : from+n]
		from += n
		parts = append(parts, column(&values[i]))
	}
	return parts, func() {
		n, fit := len(*dst), len(*dst) == 0
		for i, v := range values {
			n, fit = n+len(v), fit && len(v) <= rooms[i]
		}
		if fit { // each moves down in the array they share
			*dst = whole[:0]
		} else {
			*dst = slices.Grow(*dst, n-len(*dst))
		}
		for i, v := range values {
			*dst = append(*dst, v...)
			values[i] = nil
		}
	}
}
