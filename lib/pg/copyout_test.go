package pg_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tillflow/lib/pg"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func TestCopyOutReadsWhatPgxReads(t *testing.T) {
	t.Parallel()
	c := connect(t)
	ctx := t.Context()
	const query = `select i as n, i::int4, (i % 100)::int2, i / 7.0::float8, (i / 3.0)::float4, 'c' || i % 50, ('n' || i % 9)::varchar,
			timestamp '2025-01-01' + i * interval '1.000001 s', timestamptz '1969-12-31 23:00+00' - i * interval '1 h', (i * 12345 % 99999 - 50000) / 100.0, i::numeric * 1000000
		from generate_series(1, $1::int8) i where i > $2 and 'x''y' = $3 and timestamp '2025-01-01' < $4 order by n`
	args := []any{3000, 5, "x'y", time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)}
	var (
		i8, i4, i2, ts, tz, cents, whole []int64
		f8, f4                           []float64
		text, varchar                    []string
	)
	err := pg.CopyOut(ctx, c, query, args, pg.Int64s(&i8), pg.Int64s(&i4), pg.Int64s(&i2), pg.Float64s(&f8), pg.Float64s(&f4),
		pg.Strings(&text), pg.Strings(&varchar), pg.Micros(&ts), pg.Micros(&tz), pg.Minor(&cents, 2), pg.Minor(&whole, 0))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for i := range i8 {
		got = append(got, fmt.Sprint(i8[i], i4[i], i2[i], f8[i], f4[i], text[i], varchar[i], ts[i], tz[i], cents[i], whole[i]))
	}
	rows, err := c.Query(ctx, strings.Replace(query, ", i::numeric", " * 100, i::numeric", 1), args...)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var (
			a, b, d, cents, whole int64
			e                     float64
			f                     float32
			s, v                  string
			ts, tz                time.Time
		)
		if err := rows.Scan(&a, &b, &d, &e, &f, &s, &v, &ts, &tz, &cents, &whole); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(a, b, d, e, float64(f), s, v, ts.UnixMicro(), tz.UnixMicro(), cents, whole))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 2995 {
		t.Errorf("%d rows differ (-pgx +columns):\n%.2000s", len(got), diff)
	}
}

func TestCopyOutErrors(t *testing.T) {
	t.Parallel()
	c := connect(t)
	var n []int64
	var f []float64
	var s []string
	for _, tc := range []struct {
		name, query, want string
		args              []any
		cols              []pg.Column
	}{
		{"wrong_type", "select avg(i) as mean from generate_series(1, 3) i", "column 1 (mean) is numeric, wanted float8 or float4: cast it in the query", nil, []pg.Column{pg.Float64s(&f)}},
		{"time_as_integer", "select now() at", "column 1 (at) is timestamptz, wanted int8, int4 or int2", nil, []pg.Column{pg.Int64s(&n)}},
		{"too_few_columns", "select 1, 2", "query gives 2 columns, 1 wanted", nil, []pg.Column{pg.Int64s(&n)}},
		{"null", "select nullif(i, 2) i from generate_series(1, 3) i", "row 2, column 1 (i) is null: use coalesce", nil, []pg.Column{pg.Int64s(&n)}},
		{"more_decimals", "select 1.5 union all select 1.234", "row 2, column 1 (?column?): number has more than 2 decimals", nil, []pg.Column{pg.Minor(&n, 2)}},
		{"too_large", "select 1e30", "does not fit int64", nil, []pg.Column{pg.Minor(&n, 2)}},
		{"nan", "select 'NaN'::numeric", "NaN or an infinite number", nil, []pg.Column{pg.Minor(&n, 2)}},
		{"infinite_number", "select '-Infinity'::numeric", "NaN or an infinite number", nil, []pg.Column{pg.Minor(&n, 2)}},
		{"infinite_time", "select 'infinity'::timestamp", "an infinite time", nil, []pg.Column{pg.Micros(&n)}},
		{"not_sql", "selec 1", "prepare query: ERROR: syntax error", nil, []pg.Column{pg.Micros(&n)}},
		{"fails_on_the_way", "select 1 / (3 - i) from generate_series(1, 3) i", "read result: ERROR: division by zero", nil, []pg.Column{pg.Int64s(&n)}},
		{"missing_argument", "select $1::text", "encode arguments", nil, []pg.Column{pg.Strings(&s)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := pg.CopyOut(t.Context(), c, tc.query, tc.args, tc.cols...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
			n = n[:0]
			if err := pg.CopyOut(t.Context(), c, "select 7", nil, pg.Int64s(&n)); err != nil || len(n) != 1 {
				t.Errorf("afterwards: %v, %v", n, err)
			}
		})
	}
}

// What goes in by COPY comes out again, numbers of any length among them.
func TestNumbersComeBack(t *testing.T) {
	t.Parallel()
	c := connect(t)
	rng := rand.New(rand.NewPCG(9, 9))
	for scale := range 17 {
		var texts []string
		for range 200 {
			v := decimalText(randomDecimal(rng).BigInt(), scale)
			if len(strings.Trim(v, "-.")) <= 18 {
				texts = append(texts, v)
			}
		}
		var got, want []int64
		if err := pg.CopyOut(t.Context(), c, "select v::numeric from unnest($1::text[]) with ordinality x(v, n) order by n", []any{texts}, pg.Minor(&got, scale)); err != nil {
			t.Fatal(err)
		}
		rows, err := c.Query(t.Context(), "select trunc(v::numeric * 10::numeric ^ $2::int)::text::int8 from unnest($1::text[]) with ordinality x(v, n) order by n", texts, scale)
		if err != nil {
			t.Fatal(err)
		}
		if want, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scale %d (-postgres +columns):\n%s", scale, diff)
		}
	}
}

func BenchmarkCopyOut(b *testing.B) {
	c := connect(b)
	exec(b, c, "create unlogged table plain (transaction_id bigint, product_id varchar, store_id varchar, customer_id varchar, amount numeric(12,2), ts timestamp)")
	rec := saleRecord(1, 50_000)
	defer rec.Release()
	if _, err := pg.CopyRecord(b.Context(), c.PgConn(), "plain", rec); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var customers []string
		var cents, at []int64
		if err := pg.CopyOut(b.Context(), c, "select customer_id, amount, ts from plain", nil, pg.Strings(&customers), pg.Minor(&cents, 2), pg.Micros(&at)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(rec.NumRows())/b.Elapsed().Seconds(), "rows/s")
}
