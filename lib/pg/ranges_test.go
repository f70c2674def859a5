package pg_test

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// wide makes a table of about 2,800 pages with few rows in each.
const wide = `create table wide (n bigint not null, name text not null, ts timestamp not null) with (fillfactor = 10);
	insert into wide select i, 'customer ' || i % 77, timestamp '2025-01-01' + i * interval '1 s' from generate_series(1, 40000) i;
	analyze wide`

// turns holds the first connection back from the moment it is about to read a range until another one has closed.
type turns struct {
	dials  atomic.Int32
	asked  atomic.Int32 // times the first connection sent a query of ranges
	closed chan struct{}
	once   sync.Once
}

func (o *turns) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &turn{Conn: c, of: o, first: o.dials.Add(1) == 1}, nil
}

type turn struct {
	net.Conn
	of    *turns
	first bool
}

func (c *turn) Write(b []byte) (int, error) {
	ranges := bytes.Contains(b, []byte("ctid >= ")) && !bytes.Contains(b, []byte("explain"))
	if c.first && ranges && c.of.asked.Add(1) == 2 { // the first time is for the types
		select {
		case <-c.of.closed:
		case <-time.After(time.Minute): // the number of sessions tells that none came
		}
	}
	return c.Conn.Write(b)
}

func (c *turn) Close() error {
	if !c.first {
		c.of.once.Do(func() { close(c.of.closed) })
	}
	return c.Conn.Close()
}

type wideRows struct {
	numbers, times, pids []int64
	names                []string
}

func (r *wideRows) read(ctx context.Context, c *pgx.Conn, query string, args ...any) error {
	return pg.CopyOut(ctx, c, query, args, pg.Int64s(&r.numbers), pg.Strings(&r.names), pg.Micros(&r.times), pg.Int64s(&r.pids))
}

// Ranges give the rows of one snapshot in the order of the table, whoever reads them and whatever is written meanwhile.
func TestRangesAreTheTable(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	order := &turns{closed: make(chan struct{})}
	config.DialFunc = order.dial
	readers := min(2, runtime.GOMAXPROCS(0)) // there are two ranges
	if readers < 2 {
		close(order.closed)
	}
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // only read
	exec(t, c, wide)
	other, err := pgx.Connect(t.Context(), config.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background()) //nolint:errcheck // what it wrote is committed
	var want wideRows
	if err := want.read(t.Context(), c, "select n, name, ts, 0 from wide where n > $1", 5); err != nil {
		t.Fatal(err)
	}
	tx, err := c.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // only read
	if _, err := tx.Exec(t.Context(), "select 1"); err != nil {
		t.Fatal(err)
	}
	exec(t, other, "delete from wide where n % 3 = 0")
	exec(t, other, "insert into wide select i, 'new', now() from generate_series(1, 5000) i")
	var got wideRows
	if err := got.read(t.Context(), c, "select n, name, ts, pg_backend_pid() from wide where n > $1 and ctid >= $2 and ctid < $3", 5); err != nil {
		t.Fatal(err)
	}
	pids := map[int64]bool{}
	for i, pid := range got.pids {
		pids[pid] = true
		got.pids[i] = 0
	}
	if len(pids) != readers {
		t.Errorf("%d sessions have read, want %d", len(pids), readers)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(wideRows{})); diff != "" || len(got.numbers) != 40_000-5 {
		t.Errorf("%d rows (-table +ranges):\n%.2000s", len(got.numbers), diff)
	}

	// Appended to what was there, and where more rows come than there is room for.
	c = other
	exec(t, c, "update pg_class set reltuples = 300 where relname = 'wide'")
	exec(t, c, "begin isolation level repeatable read read only")
	again := wideRows{numbers: []int64{-1}, names: []string{"first"}, times: []int64{-1}, pids: []int64{0}}
	if err := again.read(t.Context(), c, "select n, name, ts, 0 from wide where n > $1 and ctid >= $2 and ctid < $3", 5); err != nil {
		t.Fatal(err)
	}
	exec(t, c, "rollback")
	want = wideRows{numbers: []int64{-1}, names: []string{"first"}, times: []int64{-1}, pids: []int64{0}}
	if err := want.read(t.Context(), c, "select n, name, ts, 0 from wide where n > $1", 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again, cmp.AllowUnexported(wideRows{})); diff != "" {
		t.Errorf("more rows than expected (-table +ranges):\n%.2000s", diff)
	}
}

func TestRangesOutsideOfATransactionAndOfSmallTables(t *testing.T) {
	t.Parallel()
	c := connect(t)
	exec(t, c, "create table few (n bigint); insert into few select generate_series(1, 9)")
	for _, begin := range []string{"", "begin"} {
		var n []int64
		if begin != "" {
			exec(t, c, begin)
		}
		if err := pg.CopyOut(t.Context(), c, "select n from few where ctid >= $1 and ctid < $2", nil, pg.Int64s(&n)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, n); diff != "" {
			t.Errorf("%q (-want +got):\n%s", begin, diff)
		}
	}
}

// What is wrong in one range ends the others, says where, and leaves the connection fit for use.
func TestRangesStopAtWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := connect(t)
	exec(t, c, wide)
	exec(t, c, "begin") // no snapshot of its own
	var all []int64
	if err := pg.CopyOut(t.Context(), c, "select n from wide where ctid >= $1 and ctid < $2", nil, pg.Int64s(&all)); err != nil || len(all) != 40_000 {
		t.Errorf("%d rows, %v", len(all), err)
	}
	exec(t, c, "rollback")
	exec(t, c, "begin isolation level repeatable read read only")
	var n []int64
	err := pg.CopyOut(t.Context(), c, "select nullif(n, 33333) as n from wide where n > $1 and ctid >= $2 and ctid < $3", []any{0}, pg.Int64s(&n))
	if err == nil || !strings.Contains(err.Error(), "column 1 (n) is null: use coalesce") {
		t.Error(err)
	}
}
