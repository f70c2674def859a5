package csvfile

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tillflow/lib/pgtest"
)

func typ(t testing.TB, s string) Type {
	t.Helper()
	var out Type
	if err := out.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if out.String() != s {
		t.Errorf("%s is written as %s", s, out)
	}
	return out
}

func TestTypes(t *testing.T) {
	t.Parallel()
	const refused = "!"
	for kind, cells := range map[string]map[string]string{
		"int64": {"7": "7", " +007 ": "7", "-0": "0", "9223372036854775807": "9223372036854775807", "9223372036854775808": refused + "does not fit int64",
			"1.0": refused + "is not a whole number", "": refused, "0x1f": refused, "1_000": refused},
		"float64": {"1": "1", "-.5": "-0.5", "5.": "5", "1e3": "1e3", "1E+03": "1e3", "00.10": "0.10", "1e999": refused + "does not fit float64",
			"NaN": refused + "is not a number", "inf": refused, "0x1p3": refused, "1,5": refused, ".": refused, "1e": refused, "--1": refused},
		"decimal(5,2)": {"1.5": "1.5", "123.45": "123.45", "1.500": "1.50", "0001": "1", ".25": "0.25", "1234": refused + `"1234" does not fit decimal(5,2)`,
			"1.234": refused + "has more than 2 digits after the point", "1e2": refused + "is not a plain decimal number", "$1": refused},
		"decimal(2,2)": {"0.25": "0.25", "1": refused},
		"bool":         {"TRUE": "true", "f": "false", "Yes": "true", "0": "false", "2": refused + "is not true or false"},
		"date":         {"2026-02-28": "2026-02-28", "2026-02-29": refused + "is not a date", "2024-02-29": "2024-02-29", "2026-13-01": refused, "2026-01-01 10:00": refused, "01.02.2026": refused},
		"timestamp": {"2010-12-01T08:26Z": "2010-12-01 08:26:00", "2026-01-31": "2026-01-31 00:00:00", "2026-01-31 18:00:05.25+03:00": "2026-01-31 15:00:05.250000",
			"2026-01-31T18:00:00-0130": "2026-01-31 19:30:00", "2026-01-31 24:00": refused + "is not a time", "2026-01-31 18:60": refused, "31/01/2026 18:00": refused,
			"2026-01-31 18:00:00.1234567": refused, "2026-01-31 18:00:00.1230000": "2026-01-31 18:00:00.123000", "2026-01-31 18": refused, "2026-01-31x": refused},
		"string": {" a ": " a ", "": "", "a\x00b": refused + "holds a zero byte", "a\xff": refused + "is not UTF-8"},
	} {
		for cell, want := range cells {
			got, reason := typ(t, kind).Append([]byte(">"), cell)
			if want, bad := strings.CutPrefix(want, refused); bad != (reason != "") || bad && !strings.Contains(reason, want) || !bad && string(got) != ">"+want {
				t.Errorf("%s %q: got %s, reason %q; want %q", kind, cell, got, reason, want)
			}
		}
	}
	var none Type
	if err := none.UnmarshalText([]byte("int")); err == nil || !strings.Contains(err.Error(), `unknown type "int": int64, float64, decimal(p,s), string, bool, timestamp or date`) {
		t.Error(err)
	}
}

// What is taken is the same to Postgres and, for numbers and booleans, JSON: a second opinion on every form.
func TestPostgresAndJSONAgree(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rng := rand.New(rand.NewPCG(5, 6))
	letters := []byte("0123456789000111.-+e ")
	for _, kind := range []string{"int64", "float64", "decimal(9,3)", "bool", "date", "timestamp"} {
		ty := typ(t, kind)
		var cells, ours []string
		for len(cells) < 100 {
			cell := make([]byte, 1+rng.IntN(5))
			for i := range cell {
				cell[i] = letters[rng.IntN(len(letters))]
			}
			text := string(cell)
			switch kind {
			case "bool":
				text = []string{"yes", "no", "t", "F", "TRUE", "0", "1"}[rng.IntN(7)]
			case "date":
				text = time.UnixMicro(rng.Int64N(1 << 52)).UTC().Format(time.DateOnly)
			case "timestamp":
				text = time.UnixMicro(rng.Int64N(1 << 52)).In(time.FixedZone("", rng.IntN(20)*1800)).Format(
					[]string{"2006-01-02 15:04:05.999999Z07:00", "2006-01-02T15:04:05Z", "2006-01-02 15:04-07:00", "2006-01-02 15:04:05"}[rng.IntN(4)])
			}
			got, reason := ty.Append(nil, text)
			if reason != "" {
				continue
			}
			if kind != "date" && kind != "timestamp" && !json.Valid(got) {
				t.Errorf("%s: %q becomes %s, which is no JSON", kind, text, got)
			}
			cells, ours = append(cells, text), append(ours, string(got))
		}
		// Postgres reads a zone only of a timestamptz.
		read := "x::" + ty.SQL()
		if kind == "timestamp" {
			read = "(x::timestamptz at time zone 'UTC')"
		}
		var differ int
		query := "select count(*) from unnest($1::text[], $2::text[]) u(x, y) where " + read + " is distinct from y::" + ty.SQL()
		conn, err := db.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = conn.Exec(t.Context(), "set timezone = 'UTC'"); err == nil {
			err = conn.QueryRow(t.Context(), query, cells, ours).Scan(&differ)
		}
		conn.Release()
		if err != nil || differ > 0 {
			t.Errorf("%s: %d of %d differ, %v", kind, differ, len(cells), err)
		}
	}
}
