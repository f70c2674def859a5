package pg

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/lib/dict"
)

// Column is where CopyOut puts one column of a query's result. Make one with Int64s, Float64s, Strings, Micros or Minor.
type Column interface {
	want() string             // the Postgres types it takes, for errors
	takes(oid uint32) bool    // is this one of them?
	append(cell []byte) error // one value in Postgres's binary form

	// split gives columns for as many parts of a result, with room for so many rows each, and a function to call when
	// they are filled: it appends what they hold, part after part.
	split(rooms []int) (parts []Column, join func())
}

// CopyOut runs a query and appends its result to Go slices, one slice a column, without building rows.
//
// It reads the binary form of the values as they come over the wire and allocates nothing per row but new
// strings. Arguments are $1, $2, ... and travel as parameters, never as text in the query. conn may be inside
// the caller's transaction, which is how several reads see one snapshot. A time.Time given for a timestamp without zone counts by
// its wall clock, as everywhere in pgx: pass UTC.
//
// The columns are checked against the types of the result before any row is read: a column of another type, or a
// wrong number of columns, is an error that says which one and what to cast. NULL is an error too; use coalesce. After
// an error the slices hold some prefix of the result.
//
// A query that takes two parameters more than there are arguments, both of type tid, is run for ranges of the table its
// columns are from: "select ... from sales where ts < $1 and ctid >= $2 and ctid < $3". Inside a repeatable-read
// transaction, ranges of a large table are read at once, over up to three more connections that see the same snapshot;
// Postgres 14 and later goes straight to a range. The order of the rows is that of the table either way.
func CopyOut(ctx context.Context, conn *pgx.Conn, query string, args []any, cols ...Column) error {
	sd, err := conn.PgConn().Prepare(ctx, "", query, nil)
	if err != nil {
		return fmt.Errorf("prepare query: %w", err)
	}
	if len(sd.Fields) != len(cols) {
		return fmt.Errorf("query gives %d columns, %d wanted", len(sd.Fields), len(cols))
	}
	for i, f := range sd.Fields {
		if !cols[i].takes(f.DataTypeOID) {
			return fmt.Errorf("column %d (%s) is %s, wanted %s: cast it in the query", i+1, f.Name, typeName(conn.TypeMap(), f.DataTypeOID), cols[i].want())
		}
	}
	if inRanges(sd, len(args)) {
		return copyRanges(ctx, conn, sd, args, cols)
	}
	return copyOut(ctx, conn, sd, args, cols)
}

// copyOut is CopyOut for the query that was prepared last on the connection, whose types fit.
func copyOut(ctx context.Context, conn *pgx.Conn, sd *pgconn.StatementDescription, args []any, cols []Column) error {
	var params pgx.ExtendedQueryBuilder
	if err := params.Build(conn.TypeMap(), sd, args); err != nil {
		return fmt.Errorf("encode arguments: %w", err)
	}
	rows := conn.PgConn().ExecPrepared(ctx, "", params.ParamValues, params.ParamFormats, []int16{pgx.BinaryFormatCode})
	var bad error
	for n := 0; bad == nil && rows.NextRow(); n++ {
		for i, cell := range rows.Values() {
			if cell == nil {
				bad = fmt.Errorf("row %d, column %d (%s) is null: use coalesce", n+1, i+1, sd.Fields[i].Name)
				break
			}
			if err := cols[i].append(cell); err != nil {
				bad = fmt.Errorf("row %d, column %d (%s): %w", n+1, i+1, sd.Fields[i].Name, err)
				break
			}
		}
	}
	if _, err := rows.Close(); err != nil {
		return fmt.Errorf("read result: %w", err)
	}
	return bad
}

func typeName(m *pgtype.Map, oid uint32) string {
	if t, ok := m.TypeForOID(oid); ok {
		return t.Name
	}
	return fmt.Sprintf("of type %d", oid)
}

// Int64s appends a smallint, integer or bigint column to dst. A sum of bigints is numeric in Postgres: cast it, or
// use Minor with scale 0.
func Int64s(dst *[]int64) Column { return int64s{dst} }

type int64s struct{ dst *[]int64 }

func (int64s) want() string { return "int8, int4 or int2" }
func (int64s) takes(oid uint32) bool {
	return oid == pgtype.Int8OID || oid == pgtype.Int4OID || oid == pgtype.Int2OID
}

func (c int64s) split(rooms []int) ([]Column, func()) {
	return split(c.dst, rooms, func(part *[]int64) Column { return int64s{part} })
}

func (c int64s) append(cell []byte) error {
	switch len(cell) {
	case 8:
		*c.dst = append(*c.dst, int64(binary.BigEndian.Uint64(cell)))
	case 4:
		*c.dst = append(*c.dst, int64(int32(binary.BigEndian.Uint32(cell))))
	case 2:
		*c.dst = append(*c.dst, int64(int16(binary.BigEndian.Uint16(cell))))
	default:
		return fmt.Errorf("an integer of %d bytes", len(cell))
	}
	return nil
}

// Float64s appends a real or double precision column to dst.
func Float64s(dst *[]float64) Column { return float64s{dst} }

type float64s struct{ dst *[]float64 }

func (float64s) want() string          { return "float8 or float4" }
func (float64s) takes(oid uint32) bool { return oid == pgtype.Float8OID || oid == pgtype.Float4OID }

func (c float64s) split(rooms []int) ([]Column, func()) {
	return split(c.dst, rooms, func(part *[]float64) Column { return float64s{part} })
}

func (c float64s) append(cell []byte) error {
	switch len(cell) {
	case 8:
		*c.dst = append(*c.dst, math.Float64frombits(binary.BigEndian.Uint64(cell)))
	case 4:
		*c.dst = append(*c.dst, float64(math.Float32frombits(binary.BigEndian.Uint32(cell))))
	default:
		return fmt.Errorf("a float of %d bytes", len(cell))
	}
	return nil
}

// maxInterned bounds the memory of one column's table of strings seen; past it, the table begins anew.
const maxInterned = 1 << 20

// Strings appends a text, varchar, char or name column to dst. A value that came before shares its bytes.
func Strings(dst *[]string) Column { return &strs{dst: dst} }

type strs struct {
	dst  *[]string
	seen dict.Texts
}

func (*strs) want() string { return "text or varchar" }
func (*strs) takes(oid uint32) bool {
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID:
		return true
	}
	return false
}

func (c *strs) split(rooms []int) ([]Column, func()) {
	shared := &sharedTexts{}
	return split(c.dst, rooms, func(part *[]string) Column { return &sharedStrs{strs{dst: part}, shared} })
}

func (c *strs) append(cell []byte) error {
	*c.dst = append(*c.dst, intern(&c.seen, cell, maxInterned))
	return nil
}

func intern(seen *dict.Texts, cell []byte, most int) string {
	code := seen.Code(cell)
	s := seen.Values()[code]
	if int(code) >= most-1 {
		seen.Reset()
	}
	return s
}

// sharedStrs is a part of a column whose parts are filled at once: a value of any of them shares its bytes.
type sharedStrs struct {
	strs
	seen *sharedTexts
}

// sharedTexts are texts by their last bytes, so that those who take turns at one table are few.
type sharedTexts [64]struct {
	sync.Mutex
	dict.Texts
}

func (c *sharedStrs) append(cell []byte) error {
	at := byte(len(cell))
	for _, b := range cell[max(0, len(cell)-2):] {
		at = at*31 + b
	}
	t := &c.seen[at%byte(len(c.seen))]
	t.Lock()
	s := intern(&t.Texts, cell, maxInterned/len(c.seen))
	t.Unlock()
	*c.dst = append(*c.dst, s)
	return nil
}

// Micros appends a timestamp or timestamptz column to dst as microseconds since the Unix epoch, UTC. An infinite
// time is an error.
func Micros(dst *[]int64) Column { return micros{dst} }

type micros struct{ dst *[]int64 }

func (micros) want() string { return "timestamp or timestamptz" }
func (micros) takes(oid uint32) bool {
	return oid == pgtype.TimestampOID || oid == pgtype.TimestamptzOID
}

func (c micros) split(rooms []int) ([]Column, func()) {
	return split(c.dst, rooms, func(part *[]int64) Column { return micros{part} })
}

func (c micros) append(cell []byte) error {
	if len(cell) != 8 {
		return fmt.Errorf("a timestamp of %d bytes", len(cell))
	}
	t := int64(binary.BigEndian.Uint64(cell))
	if t == math.MaxInt64 || t == math.MinInt64 {
		return fmt.Errorf("an infinite time")
	}
	*c.dst = append(*c.dst, t+postgresEpoch)
	return nil
}

// Minor appends a numeric column to dst as integers of 10^-scale: with scale 2, 12.34 becomes 1234. A value with
// more decimals, NaN, infinity, or one past int64 is an error; nothing is rounded.
func Minor(dst *[]int64, scale int) Column { return minor{dst, scale} }

type minor struct {
	dst   *[]int64
	scale int
}

func (minor) want() string          { return "numeric" }
func (minor) takes(oid uint32) bool { return oid == pgtype.NumericOID }

func (c minor) split(rooms []int) ([]Column, func()) {
	return split(c.dst, rooms, func(part *[]int64) Column { return minor{part, c.scale} })
}

func (c minor) append(cell []byte) error {
	v, err := readNumeric(cell, c.scale)
	if err != nil {
		return err
	}
	*c.dst = append(*c.dst, v)
	return nil
}
