package pg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CopyRecord writes an Arrow record to a table with binary COPY and returns the number of rows written.
//
// The record's column names are the table's columns; table may carry a schema ("dag.held_rows"). Binary COPY does
// not convert, so the types must fit:
//
//	int16, int32, int64    smallint, integer, bigint
//	float64                double precision (NaN and infinities too)
//	decimal128(p, s)       numeric
//	bool                   boolean
//	string, binary         text or varchar, bytea (text must be UTF-8 without NUL)
//	timestamp[us]          timestamp, timestamptz
//	date32                 date
//
// Rows go from the Arrow buffers straight into the message that is sent; nothing is built in between. The record is
// read until CopyRecord returns and never released here. A Postgres error comes back as *pgconn.PgError inside; beware that
// Postgres answers wrong types with 08P01 as well as 22P03, though nothing is wrong with the connection.
func CopyRecord(ctx context.Context, conn *pgconn.PgConn, table string, rec arrow.Record) (int64, error) {
	return CopyRows(ctx, conn, table, rec, nil)
}

// CopyRows is CopyRecord for the rows whose indices are given, in that order; nil means all of them as they stand.
func CopyRows(ctx context.Context, conn *pgconn.PgConn, table string, rec arrow.Record, rows []int32) (int64, error) {
	r, err := newCopyReader(rec)
	if err != nil {
		return 0, fmt.Errorf("copy to %s: %w", table, err)
	}
	defer r.close()
	if rows != nil {
		r.arrange(rows)
	}
	names := make([]string, rec.NumCols())
	for i := range names {
		names[i] = pgx.Identifier{rec.ColumnName(i)}.Sanitize()
	}
	sql := "copy " + pgx.Identifier(strings.Split(table, ".")).Sanitize() + " (" + strings.Join(names, ", ") + ") from stdin (format binary)"
	tag, err := conn.CopyFrom(ctx, r, sql)
	if err != nil {
		if failed := r.failure(); failed != nil {
			err = failed
		}
		var pe *pgconn.PgError
		if errors.As(err, &pe) && (pe.Code == "22P03" || pe.Code == "08P01") {
			return 0, fmt.Errorf("copy to %s: the types of columns %v are not all those of the table: %w", table, rec.Schema().Fields(), err)
		}
		return 0, fmt.Errorf("copy to %s: %w", table, err)
	}
	return tag.RowsAffected(), nil
}

// postgresEpoch is 2000-01-01, where Postgres counts from, in microseconds since 1970-01-01.
const postgresEpoch = 946_684_800_000_000

// minPostgresTime is the first time Postgres can hold, 4714-11-24 BC, in microseconds since 1970. Its last one lies
// behind the last that an int64 can count from 1970.
const minPostgresTime = -211_813_488_000_000_000 + postgresEpoch

const (
	postgresEpochDays = 10_957 // 2000-01-01 in days since 1970-01-01
	minPostgresDate   = -2_451_545
	endPostgresDate   = 2_145_031_949 // 5874898-01-01
)

var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
	errClosed   = errors.New("copy has ended")
)

// copyReader gives the binary COPY stream of a record: header, rows, trailer.
//
// pgconn reads it on a goroutine that, on a fatal error, can outlive the call; so Read holds a lock, and after close
// it never looks at the record again.
type copyReader struct {
	mu     sync.Mutex
	cols   []copyColumn
	fixed  int // upper bound of a row's bytes without its texts
	most   int // upper bound of a row's bytes when that is small, else 0
	rows   int
	row    int
	order  []int32 // which rows of the record, nil for all
	made   *made   // all rows of the record, when they go in another order
	spill  []byte  // header, trailer, or a row too long for the caller's buffer: not handed out yet
	ended  bool    // the trailer is in spill or gone
	failed error
}

// copyColumn is one column's buffers, taken out of Arrow once so that the row loop sees plain slices.
type copyColumn struct {
	name    string
	kind    arrow.Type
	scale   int
	arr     arrow.Array // for bool and validity
	nulls   bool
	i16     []int16
	i32     []int32
	i64     []int64
	f64     []float64
	dec     []decimal128.Num
	offsets []int32 // rows+1 positions in bytes
	bytes   []byte
}

func newCopyReader(rec arrow.Record) (*copyReader, error) {
	r := &copyReader{rows: int(rec.NumRows()), fixed: 2, cols: make([]copyColumn, rec.NumCols()), spill: copyHeader}
	for i := range r.cols {
		c := &r.cols[i]
		arr := rec.Column(i)
		*c = copyColumn{name: rec.ColumnName(i), kind: arr.DataType().ID(), arr: arr, nulls: arr.NullN() > 0}
		switch a := arr.(type) {
		case *array.Int16:
			c.i16 = a.Int16Values()
			r.fixed += 4 + 2
		case *array.Int32:
			c.i32 = a.Int32Values()
			r.fixed += 4 + 4
		case *array.Int64:
			c.i64 = a.Int64Values()
			r.fixed += 4 + 8
		case *array.Float64:
			c.f64 = a.Float64Values()
			r.fixed += 4 + 8
		case *array.Boolean:
			r.fixed += 4 + 1
		case *array.Decimal128:
			c.dec = a.Values()
			c.scale = int(a.DataType().(*arrow.Decimal128Type).Scale)
			if c.scale < 0 || c.scale > 38 {
				return nil, fmt.Errorf("column %s: decimal scale %d; 0 to 38 are supported", c.name, c.scale)
			}
			r.fixed += maxNumericSize
		case *array.Timestamp:
			if unit := a.DataType().(*arrow.TimestampType).Unit; unit != arrow.Microsecond {
				return nil, fmt.Errorf("column %s: timestamp[%s]; only microseconds are supported", c.name, unit)
			}
			c.i64 = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
			r.fixed += 4 + 8
		case *array.Date32:
			c.i32 = arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(a.Date32Values()))
			r.fixed += 4 + 4
		case *array.String:
			c.offsets, c.bytes = a.ValueOffsets(), textBytes(a.Data())
			r.fixed += 4
		case *array.Binary:
			c.offsets, c.bytes = a.ValueOffsets(), textBytes(a.Data())
			r.fixed += 4
		default:
			return nil, fmt.Errorf("column %s: no binary COPY for Arrow type %s", c.name, arr.DataType())
		}
	}
	if len(r.cols) > math.MaxInt16 {
		return nil, fmt.Errorf("%d columns are too many", len(r.cols))
	}
	if most := r.fixed + r.longest(); most <= smallRow {
		r.most = most
	}
	return r, nil
}

// smallRow is up to which size a row need not be measured before it is written: little of a message stays empty when its
// last row is taken for the longest one.
const smallRow = 1 << 10

// longest is the sum of each column's longest text.
func (r *copyReader) longest() (sum int) {
	for i := range r.cols {
		if c := &r.cols[i]; c.offsets != nil && r.rows > 0 {
			most := int32(0)
			for row, start := range c.offsets[:r.rows] {
				most = max(most, c.offsets[row+1]-start)
			}
			sum += int(most)
		}
	}
	return sum
}

// textBytes is the whole byte buffer of a string or binary array; offsets point into it from its start.
func textBytes(d arrow.ArrayData) []byte {
	if b := d.Buffers()[2]; b != nil {
		return b.Bytes()
	}
	return nil
}

// close makes every later Read fail, and waits for one that runs.
func (r *copyReader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made != nil {
		mades.Put(r.made)
	}
	r.cols, r.order, r.made, r.spill, r.failed = nil, nil, nil, nil, errClosed
}

func (r *copyReader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// Read fills p with whole rows as far as they fit.
func (r *copyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return 0, r.failed
	}
	if len(r.spill) > 0 {
		return r.unspill(p), nil
	}
	dst := p[:0]
	for ; r.row < r.rows; r.row++ {
		row := r.row
		if r.order != nil {
			row = int(r.order[row])
		}
		if r.made != nil {
			text := r.made.row(row)
			if len(text) > len(p)-len(dst) {
				if len(dst) > 0 {
					return len(dst), nil
				}
				r.spill = text
				r.row++
				return r.unspill(p), nil
			}
			dst = append(dst, text...)
			continue
		}
		var err error
		need := r.most
		if need == 0 {
			need = r.fixed + r.textLen(row)
		}
		if need > len(p)-len(dst) {
			if len(dst) > 0 {
				return len(dst), nil
			}
			if r.spill, err = r.appendRow(make([]byte, 0, need), row); err != nil {
				r.failed = err
				return 0, err
			}
			r.row++
			return r.unspill(p), nil
		}
		if dst, err = r.appendRow(dst, row); err != nil {
			r.failed = err
			return 0, err
		}
	}
	if len(dst) > 0 {
		return len(dst), nil
	}
	if !r.ended {
		r.ended, r.spill = true, copyTrailer
		return r.unspill(p), nil
	}
	return 0, io.EOF
}

// unspill hands out what did not fit before.
func (r *copyReader) unspill(p []byte) int {
	n := copy(p, r.spill)
	r.spill = r.spill[n:]
	return n
}

func (r *copyReader) textLen(row int) int {
	n := 0
	for i := range r.cols {
		if c := &r.cols[i]; c.offsets != nil {
			n += int(c.offsets[row+1] - c.offsets[row])
		}
	}
	return n
}

func (r *copyReader) appendRow(dst []byte, row int) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.cols)))
	for i := range r.cols {
		c := &r.cols[i]
		if c.nulls && c.arr.IsNull(row) {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		switch c.kind {
		case arrow.INT64:
			dst = append(dst, 0, 0, 0, 8)
			dst = binary.BigEndian.AppendUint64(dst, uint64(c.i64[row]))
		case arrow.STRING, arrow.BINARY:
			v := c.bytes[c.offsets[row]:c.offsets[row+1]]
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
			dst = append(dst, v...)
		case arrow.DECIMAL128:
			dst = appendNumeric(dst, c.dec[row].HighBits(), c.dec[row].LowBits(), c.scale)
		case arrow.TIMESTAMP:
			if c.i64[row] < minPostgresTime {
				return nil, fmt.Errorf("row %d, column %s: time %d us is before what Postgres can hold", row, c.name, c.i64[row])
			}
			dst = append(dst, 0, 0, 0, 8)
			dst = binary.BigEndian.AppendUint64(dst, uint64(c.i64[row]-postgresEpoch))
		case arrow.FLOAT64:
			dst = append(dst, 0, 0, 0, 8)
			dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(c.f64[row]))
		case arrow.INT32:
			dst = append(dst, 0, 0, 0, 4)
			dst = binary.BigEndian.AppendUint32(dst, uint32(c.i32[row]))
		case arrow.INT16:
			dst = append(dst, 0, 0, 0, 2)
			dst = binary.BigEndian.AppendUint16(dst, uint16(c.i16[row]))
		case arrow.BOOL:
			b := byte(0)
			if c.arr.(*array.Boolean).Value(row) {
				b = 1
			}
			dst = append(dst, 0, 0, 0, 1, b)
		case arrow.DATE32:
			d := int64(c.i32[row]) - postgresEpochDays
			if d < minPostgresDate || d >= endPostgresDate {
				return nil, fmt.Errorf("row %d, column %s: day %d is outside what Postgres can hold", row, c.name, c.i32[row])
			}
			dst = append(dst, 0, 0, 0, 4)
			dst = binary.BigEndian.AppendUint32(dst, uint32(int32(d)))
		}
	}
	return dst, nil
}
