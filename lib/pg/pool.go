// Package pg is what the rest of the program knows about Postgres beyond SQL: a pool with our settings, migrations that
// are safe to run from many processes at once, read-only sessions for reports, and binary COPY from Arrow records.
package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A pool holds the connections of one process: a stream uses two for each partition it owns, a report one for each of
// its cells that run side by side. Postgres allows 100 in all by default, and several processes may share it.
const (
	maxConns = 24
	idleTime = 5 * time.Minute
)

// Open returns a pool on the database at url (a URL or a keyword string of libpq) after a first connection has
// succeeded. Sessions are in UTC, timestamptz values are read in UTC, and application_name is tillflow; what the url
// itself says goes before that. The caller closes the pool.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the address of Postgres: %w", err) // pgx leaves the password out
	}
	params := cfg.ConnConfig.RuntimeParams
	for name, value := range map[string]string{"application_name": "tillflow", "timezone": "UTC"} {
		if params[name] == "" {
			params[name] = value
		}
	}
	if cfg.MaxConns <= 4 { // pgx's default is the number of cores, or 4
		cfg.MaxConns = maxConns
	}
	cfg.MaxConnIdleTime = idleTime
	cfg.AfterConnect = readInUTC
	db, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open Postgres: %w", err)
	}
	if err := db.Ping(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open Postgres: %w", err)
	}
	return db, nil
}

// readInUTC makes the session read timestamptz as UTC and not in the machine's zone, so that what is printed does not
// depend on the machine.
func readInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name:  "timestamptz",
		OID:   pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
