package publish

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/pg"
)

// Record replaces rows of a table by those of an Arrow record, inside the caller's transaction. where is SQL that says
// which rows go, with its arguments $1, $2, ...; "" is all of them. It returns how many rows were written.
func Record(ctx context.Context, tx pgx.Tx, table string, rec arrow.Record, where string, args ...any) (int64, error) {
	text := "delete from " + Name(table).Sanitize()
	if where != "" {
		text += " where " + where
	}
	if _, err := tx.Exec(ctx, text, args...); err != nil {
		return 0, fmt.Errorf("empty %s: %w", table, err)
	}
	return pg.CopyRecord(ctx, tx.Conn().PgConn(), table, rec)
}
