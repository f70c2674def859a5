package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tillflow/lib/event"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

func kind(t testing.TB, s string) event.Type {
	t.Helper()
	var k event.Type
	if err := k.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return k
}

func text(s string) *string { return &s }

// everyField declares a field of every type, setting and nesting.
func everyField(t testing.TB) []event.Field {
	return []event.Field{
		{Name: "id", Type: kind(t, "int64")},
		{Name: "product", Type: kind(t, "string"), MaxLength: 12},
		{Name: "amount", Type: kind(t, "decimal(12,2)"), Path: []string{"sale", "amount"}},
		{Name: "ts", Type: kind(t, "timestamp"), EventTime: true},
		{Name: "qty", Type: kind(t, "int64"), Nullable: true, Min: text("-5"), Max: text("1e3")},
		{Name: "rate", Type: kind(t, "float64"), Default: text("0.5")},
		{Name: "paid", Type: kind(t, "bool"), Nullable: true, Default: text("true")},
		{Name: "seen", Type: kind(t, "timestamp"), Format: "epoch_s", Nullable: true, Path: []string{"sale", "at", "s"}},
		{Name: "seen_ms", Type: kind(t, "timestamp"), Format: "epoch_ms", Nullable: true, Path: []string{"sale", "at", "ms"}},
		{Name: "reason", Type: kind(t, "string"), Nullable: true, Accept: []string{"defective", "wrong_item"}},
		{Name: "big", Type: kind(t, "decimal(38,10)"), Nullable: true, Max: text("1e20")},
		{Name: "due", Type: kind(t, "timestamp"), Nullable: true, Min: text("2000-01-01 00:00:00")},
	}
}

func newSchema(t testing.TB, fields []event.Field) *event.Schema {
	t.Helper()
	s, err := event.NewSchema(fields)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values gives row i of a record in the form of reference.
func values(rec arrow.Record, i int) []any {
	row := make([]any, rec.NumCols())
	for c := range row {
		if rec.Column(c).IsNull(i) {
			continue
		}
		switch a := rec.Column(c).(type) {
		case *array.Int64:
			row[c] = a.Value(i)
		case *array.Timestamp:
			row[c] = int64(a.Value(i))
		case *array.Float64:
			row[c] = a.Value(i)
		case *array.Boolean:
			row[c] = a.Value(i)
		case *array.String:
			row[c] = a.Value(i)
		case *array.Decimal128:
			row[c] = a.Value(i).BigInt()
		}
	}
	return row
}

// same compares two rows; cmp says the same with more words and time.
func same(a, b []any) bool {
	return slices.EqualFunc(a, b, func(x, y any) bool {
		if n, ok := x.(*big.Int); ok {
			m, ok := y.(*big.Int)
			return ok && n.Cmp(m) == 0
		}
		return x == y
	})
}

var sameValue = cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })

// check decodes a message by every path a decoder has (cold, general, by a learned shape) and compares with the reference.
func check(t *testing.T, s *event.Schema, msg []byte) {
	t.Helper()
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	want, ok := reference(s.Fields(), msg)
	given := bytes.Clone(msg)
	var first error
	for try := range 4 {
		err := d.Append(msg)
		if (err == nil) != ok {
			t.Fatalf("try %d: error %v, the reference says ok = %v\n%q", try, err, ok, msg)
		}
		if try == 0 {
			first = err
		}
		if err != nil {
			checkReject(t, err, first)
		}
	}
	if !bytes.Equal(given, msg) {
		t.Fatalf("the message was written to: %q", msg)
	}
	rec := d.Seal()
	defer rec.Release()
	if !ok {
		if rec.NumRows() != 0 {
			t.Fatalf("%d rows of rejects", rec.NumRows())
		}
		return
	}
	for i := range int(rec.NumRows()) {
		if got := values(rec, i); !same(want, got) {
			t.Fatalf("row %d differs (-reference +decoder):\n%s\n%q", i, cmp.Diff(want, got, sameValue), msg)
		}
	}
}

func checkReject(t *testing.T, err, first error) {
	t.Helper()
	var r *event.Reject
	if !errors.As(err, &r) || r.Reason == "" || err.Error() != first.Error() {
		t.Fatalf("error %#v, the first time %v", err, first)
	}
	if s := err.Error(); len(s) > 300 || strings.ToValidUTF8(s, "") != s || strings.Contains(s, "\x00") {
		t.Fatalf("a reason that cannot be stored, or is too long: %q", s)
	}
}

const whole = `{"id":1,"product":"LAPTOP-001","sale":{"amount":12.34,"at":{"s":1735689600.25,"ms":1735689600123}},"ts":"2025-01-01 12:34:56","qty":3,"rate":1.5,"paid":false,"reason":"defective","big":"123456789012345678.0123456789","due":"2025-02-28T23:59:59.999999+03:00","note":{"a":[1,{"b":null}],"c":"\u00e9\"x"}}`

func FuzzDecode(f *testing.F) {
	for _, m := range []string{
		whole, strings.ReplaceAll(whole, ":", " :\t"), `{"id":1,"product":"x","sale":{"amount":"0.10"},"ts":"2025-01-01T00:00:00Z"}`,
		`{"id":1,"id":2}`, `{}`, ``, `null`, `[1]`, `{"id":1e3,"product":"\ud83d\ude00","sale":{"amount":1.250e1},"ts":"9999-12-31 23:59:59"}`,
		`{"id":-9223372036854775808,"product":"","sale":{"amount":-9999999999.99},"ts":"0001-01-01 00:00:00","paid":null,"rate":null,"qty":null}`,
		`{"\u0069d":7,"product":"a\u0000","sale":null,"ts":""}`, `{"id":1,"product":"x","sale":{"amount":1},"ts":"2024-02-29 00:00:00","big":1e20,"qty":1000}`,
	} {
		f.Add([]byte(m))
	}
	s := newSchema(f, everyField(f))
	f.Fuzz(func(t *testing.T, msg []byte) { check(t, s, msg) })
}

// Random messages that are nearly right find what fuzzing from a few seeds does not.
func TestDecoderAgreesWithReference(t *testing.T) {
	t.Parallel()
	s := newSchema(t, everyField(t))
	rng := rand.New(rand.NewPCG(11, 12))
	accepted := 0
	for range 3000 {
		msg := randomMessage(rng)
		if _, ok := reference(s.Fields(), msg); ok {
			accepted++
		}
		check(t, s, msg)
	}
	if accepted < 250 || accepted > 2750 {
		t.Errorf("%d of 3000 random messages were right; the test needs both kinds", accepted)
	}
}

// A decoder that has seen many shapes must not mix them up: messages of all kinds in one decoder, each as if alone.
func TestDecoderRemembersNothing(t *testing.T) {
	t.Parallel()
	fields := everyField(t)
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	d := newSchema(t, fields).NewDecoder(mem)
	defer d.Release()
	rng := rand.New(rand.NewPCG(13, 14))
	var want [][]any
	for n := range 8_000 {
		var msg []byte
		if n/1000%2 == 0 { // alternate between few shapes and all
			msg = fmt.Appendf(nil, `{"id":%d,"product":"p%d","sale":{"amount":%d.5},"ts":"2025-01-%02d 00:00:%02d"%s}`, n, rng.IntN(9), rng.IntN(999), 1+rng.IntN(31), rng.IntN(60), []string{"", `,"qty":1`, `,"qty":null`, `,"x":[1]`, `,"x":"y"`}[rng.IntN(5)])
		} else {
			msg = randomMessage(rng)
		}
		row, ok := reference(fields, msg)
		if err := d.Append(msg); (err == nil) != ok {
			t.Fatalf("message %d: error %v, the reference says ok = %v\n%q", n, err, ok, msg)
		}
		if ok {
			if at := row[3].(int64); d.EventTime() != at {
				t.Fatalf("event time %d, want %d", d.EventTime(), at)
			}
			if rng.IntN(20) == 0 {
				d.Drop()
				ok = false
			}
		}
		if ok {
			want = append(want, row)
		}
		if len(want) != d.Len() {
			t.Fatalf("%d rows, want %d", d.Len(), len(want))
		}
		if rng.IntN(3000) == 0 {
			rec := d.Seal()
			for i := range want {
				if got := values(rec, i); !same(want[i], got) {
					t.Fatalf("row %d differs (-reference +decoder):\n%s", i, cmp.Diff(want[i], got, sameValue))
				}
			}
			rec.Release()
			want = nil
		}
	}
}

// randomMessage makes a message of everyField in random order, spacing and values, some of them wrong.
func randomMessage(rng *rand.Rand) []byte {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	usual := func(v string, odd ...string) string {
		if rng.IntN(12) > 0 {
			return v
		}
		return one(append(odd, "null", "true", `"x"`, "12", "[]", "{}", "1.5", `"\u12"`, "01", "-")...)
	}
	space := func() string { return one("", "", "", " ", "\n\t ") }
	object := func(members []string) string {
		rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		if rng.IntN(40) == 0 && len(members) > 0 {
			members = append(members, members[0])
		}
		if rng.IntN(8) == 0 && len(members) > 0 {
			members = members[1:]
		}
		return "{" + space() + strings.Join(members, space()+","+space()) + space() + "}"
	}
	member := func(k, v string) string { return `"` + k + `"` + space() + ":" + space() + v }
	optional := func(list []string, k, v string) []string {
		if rng.IntN(3) == 0 {
			return list
		}
		return append(list, member(k, v))
	}
	amount := fmt.Sprintf("%d.%02d", rng.IntN(5000), rng.IntN(100))
	at := optional(nil, "s", usual(fmt.Sprint(1_700_000_000+rng.IntN(1e8)), "1735689600.123456", "1.5e9", "1735689600.1234567", "253402300800", "-62135596800"))
	at = optional(at, "ms", usual(fmt.Sprint(1_700_000_000_000+rng.Int64N(1e11)), "0.5", "1e400"))
	sale := []string{member("amount", usual(amount, `"`+amount+`"`, "12.345", "-0.00", "1e2", "10000000000", "9999999999.99", "12.3400", `"1e1"`, `"12,50"`, `" 1"`, "1e-2", "1e-3"))}
	sale = optional(sale, "at", usual(object(at)))
	list := []string{
		member("id", usual(fmt.Sprint(rng.Int64N(1e12)), "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e3", "1.0", "1.5", "-0", "1e19", "100e-2")),
		member(one("product", "product", "product", `pr\u006fduct`), usual(fmt.Sprintf(`"LAPTOP-%03d"`, rng.IntN(50)), `"\"\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\u0000"`, `"سماعات لاسلكية"`, `"سماعة"`, "\"\xff\"", `"thirteen char"`, `""`)),
		member("sale", usual(object(sale))),
		member("ts", usual(fmt.Sprintf(`"2025-%02d-%02d %02d:%02d:%02d"`, 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60)), `"2025-02-29 00:00:00"`, `"2024-02-29T00:00:00.5Z"`, `"2025-01-01 00:00:60"`,
			`"2025-01-01T00:00:00+0330"`, `"2025-01-01T00:00:00-03"`, `"2025-01-01T00:00:00.1234567"`, `"2025-01-01T00:00:00.1234560"`, `"0000-01-01 00:00:00"`, `"9999-12-31T23:59:59-01:00"`, `"0001-01-01T00:00:00+01:00"`, `"2025-01-01"`, `"2025-1-01 00:00:00"`, `"2025-01-01\u002000:00:00"`)),
	}
	list = optional(list, "qty", usual(fmt.Sprint(rng.IntN(1000)), "-5", "-6", "1000", "1001"))
	list = optional(list, "rate", usual(fmt.Sprint(rng.NormFloat64()*math.Pow10(rng.IntN(30)-15)), "0.1", "1e400", "-0", "1e-400", "123456789.25", "9007199254740993"))
	list = optional(list, "paid", usual(one("true", "false"), `"true"`, "tru"))
	list = optional(list, "reason", usual(one(`"defective"`, `"wrong_item"`), `"other"`, `"defecti\u0076e"`))
	list = optional(list, "big", usual(one("12345678901234567890.1234567890", "0.0000000001", `"99"`), "1e20", "100000000000000000000.0000000001", "1e-10", "1e-11"))
	list = optional(list, "due", usual(`"2025-06-01 10:00:00"`, `"1999-12-31 23:59:59"`, `"2000-01-01 00:00:00"`))
	list = optional(list, "extra", one(`"x\n\u00ff"`, "{}", "[]", `{"a":[1,[2,{"b":{}}]],"c":-1.5e+3}`, "[1,]", `{"a"}`, "nul", `"`, "\"\x01\"", "\"\xfe\""))
	return []byte(space() + object(list) + space() + one("", "", "", "", "", "x", "}"))
}

// What a person reads when a message is wrong.
func TestRejectReasons(t *testing.T) {
	t.Parallel()
	with := func(key, value string) string {
		ok := map[string]string{"id": "1", "product": `"x"`, "sale": `{"amount":1}`, "ts": `"2025-01-01 00:00:00"`}
		ok[key] = value
		msg := "{"
		for _, k := range []string{"id", "product", "sale", "ts", "qty", "rate", "paid", "reason", "big", "due"} {
			if ok[k] != "" {
				msg += fmt.Sprintf("%q:%s,", k, ok[k])
			}
		}
		return strings.TrimSuffix(msg, ",") + "}"
	}
	amount := func(v string) string { return with("sale", `{"amount":`+v+`}`) }
	for _, tc := range []struct{ name, msg, want string }{
		{"empty_message", "", "not JSON: the message is empty"},
		{"white_space", " \n", "not JSON: the message is empty"},
		{"null", "null", "not a JSON object but null"},
		{"array", `[1]`, "not a JSON object but an array"},
		{"string", `"x"`, "not a JSON object but a string"},
		{"empty_object", "{}", "id: missing"},
		{"truncated", `{"id":1,"product":`, "not JSON: unexpected end of JSON input (byte 18)"},
		{"ten_megabytes_cut_off", `{"x":"` + strings.Repeat("y", 10<<20), "not JSON: unexpected end of JSON input (byte 10485766)"},
		{"two_objects", `{}{}`, "not JSON: invalid character '{' after top-level value (byte 3)"},
		{"text", "hello", "not JSON: invalid character 'h' looking for beginning of value (byte 1)"},
		{"bare_nan", amount("NaN"), "not JSON: invalid character 'N' looking for beginning of value (byte 40)"},
		{"nested_array_bomb", strings.Repeat("[", 100_000), "not JSON: invalid character '[' exceeded max depth (byte 10001)"},
		{"nested_bomb_in_unknown_field", `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "not JSON: invalid character '[' exceeded max depth (byte 10005)"},
		{"missing", `{"id":1}`, "product: missing"},
		{"null_value", with("product", "null"), "product: null"},
		{"wrong_type", with("product", "42"), "product: 42 is a number, not a string"},
		{"integer_as_string", with("id", `"5"`), `id: "5" is a string, not an int64`},
		{"integer_with_fraction", with("id", "1.5"), "id: 1.5 has a fraction, int64 allows none"},
		{"integer_too_large", with("id", "9223372036854775808"), "id: 9223372036854775808 does not fit int64"},
		{"integer_far_too_large", with("id", "1e400"), "id: 1e400 does not fit int64"},
		{"integer_missing_digits", with("id", "-"), "not JSON: invalid character ',' in numeric literal (byte 8)"},
		{"given_twice", `{"id":1,"id":1}`, "id: given twice"},
		{"object_given_twice", strings.Replace(amount("1"), "}", `},"sale":{}`, 1), "amount: sale is given twice"},
		{"not_an_object", with("sale", "[1]"), "amount: sale is an array, not an object"},
		{"null_object", with("sale", "null"), "amount: missing"},
		{"nested_missing", with("sale", "{}"), "amount: missing"},
		{"decimals", amount("12.345"), "amount: 12.345 has 3 decimals, decimal(12,2) allows 2"},
		{"decimals_in_string", amount(`"12.345"`), `amount: "12.345" has 3 decimals, decimal(12,2) allows 2`},
		{"digits", amount("12345678901"), "amount: 12345678901 has 11 digits before the point, decimal(12,2) allows 10"},
		{"huge_exponent", amount("1e400"), "amount: 1e400 has 401 digits before the point, decimal(12,2) allows 10"},
		{"monstrous_exponent", amount("1e99999999999999999999"), "amount: 1e99999999999999999999 has far too many digits before the point, decimal(12,2) allows 10"},
		{"tiny", amount("1e-400"), "amount: 1e-400 has 400 decimals, decimal(12,2) allows 2"},
		{"decimal_comma", amount(`"12,50"`), `amount: "12,50" is not a number`},
		{"nan_in_string", amount(`"NaN"`), `amount: "NaN" is not a number`},
		{"decimal_bool", amount("true"), "amount: true is a bool, not a decimal(12,2)"},
		{"float_too_large", with("rate", "1e400"), "rate: 1e400 does not fit float64"},
		{"float_as_string", with("rate", `"1.5"`), `rate: "1.5" is a string, not a float64`},
		{"bool_as_number", with("paid", "1"), "paid: 1 is a number, not a bool"},
		{"not_a_time", with("ts", `"abc"`), `ts: "abc" is not a time: expected 2006-01-02 15:04:05 or ISO 8601`},
		{"date_alone", with("ts", `"2025-01-01"`), `ts: "2025-01-01" is not a time: expected 2006-01-02 15:04:05 or ISO 8601`},
		{"time_as_number", with("ts", "1735689600"), "ts: 1735689600 is a number, not a timestamp"},
		{"leap_second", with("ts", `"2016-12-31 23:59:60"`), `ts: "2016-12-31 23:59:60" is not a time: its time of day is 23:59:60`},
		{"no_such_day", with("ts", `"2025-02-30 00:00:00"`), `ts: "2025-02-30 00:00:00" is not a time: it has day 30 in month 2`},
		{"no_such_month", with("ts", `"2025-13-01 00:00:00"`), `ts: "2025-13-01 00:00:00" is not a time: it has month 13`},
		{"year_0", with("ts", `"0000-01-01 00:00:00"`), `ts: "0000-01-01 00:00:00" is not a time: it has year 0`},
		{"nanoseconds", with("ts", `"2025-01-01T00:00:00.123456789Z"`), `ts: "2025-01-01T00:00:00.123456789Z" is not a time: it has 9 decimals of a second, 6 are allowed`},
		{"year_10000", with("ts", `"9999-12-31T23:59:59-01:00"`), `ts: "9999-12-31T23:59:59-01:00" is not a time: it is outside the years 1 to 9999`},
		{"epoch_too_fine", with("sale", `{"amount":1,"at":{"s":1.1234567}}`), "seen: 1.1234567 has 7 decimals, 6 are allowed"},
		{"epoch_as_string", with("sale", `{"amount":1,"at":{"s":"1735689600"}}`), `seen: "1735689600" is a string, not an epoch_s number`},
		{"epoch_far_away", with("sale", `{"amount":1,"at":{"s":1735689600000}}`), "seen: 1735689600000 is outside the years 1 to 9999"},
		{"text_too_long", with("product", `"thirteen char"`), "product: text has 13 characters, 12 are allowed"},
		{"invalid_utf8", with("product", "\"a\xffb\""), "product: text is not valid UTF-8: a\uFFFDb"},
		{"nul", with("product", `"a\u0000"`), `product: text holds \u0000, which Postgres cannot store`},
		{"half_surrogate", with("product", `"\ud83d!"`), `product: text holds half of a surrogate pair, \ud83d`},
		{"below_minimum", with("qty", "-6"), "qty: -6 is below the minimum -5"},
		{"above_maximum", with("qty", "1001"), "qty: 1001 is above the maximum 1e3"},
		{"not_accepted", with("reason", `"lost"`), `reason: "lost" is not one of defective, wrong_item`},
		{"long_value_is_cut", with("id", `"`+strings.Repeat("é", 100)+`"`), `id: "` + strings.Repeat("é", 23) + `... is a string, not an int64`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newSchema(t, everyField(t)).NewDecoder(memory.DefaultAllocator)
			defer d.Release()
			err := d.Append([]byte(tc.msg))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			var r *event.Reject
			if !errors.As(err, &r) {
				t.Errorf("a %T", err)
			}
			if len(tc.msg) < 1000 {
				check(t, newSchema(t, everyField(t)), []byte(tc.msg))
			}
		})
	}
	d := newSchema(t, everyField(t)).NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	if err := d.Append(nil); err == nil || err.Error() != "not JSON: the message has no value" {
		t.Errorf("a null message: %v", err)
	}
}

// What is unusual and right.
func TestOddMessagesAreTaken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, msg string
		col       int
		want      any
	}{
		{"ten_megabytes", `{"x":"` + strings.Repeat("y", 10<<20) + `",` + whole[1:], 0, int64(1)},
		{"ten_thousand_deep", `{"x":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "," + whole[1:], 0, int64(1)},
		{"nineteen_digits", strings.Replace(whole, `"id":1`, `"id":9223372036854775807`, 1), 0, int64(math.MaxInt64)},
		{"integer_with_exponent", strings.Replace(whole, `"id":1`, `"id":12e2`, 1), 0, int64(1200)},
		{"negative_amount", strings.Replace(whole, "12.34", "-12.34", 1), 2, big.NewInt(-1234)},
		{"negative_zero", strings.Replace(whole, "12.34", "-0.00", 1), 2, big.NewInt(0)},
		{"trailing_zeros", strings.Replace(whole, "12.34", "12.3400", 1), 2, big.NewInt(1234)},
		{"amount_in_string", strings.Replace(whole, "12.34", `"12.34"`, 1), 2, big.NewInt(1234)},
		{"year_1", strings.Replace(whole, "2025-01-01 12:34:56", "0001-01-01 00:00:00", 1), 3, int64(-62_135_596_800_000_000)},
		{"year_9999", strings.Replace(whole, "2025-01-01 12:34:56", "9999-12-31 23:59:59", 1), 3, int64(253_402_300_799_000_000)},
		{"zone", strings.Replace(whole, "2025-01-01 12:34:56", "2025-01-01T03:00:00+03:00", 1), 3, int64(1_735_689_600_000_000)},
		{"missing_takes_the_default", strings.Replace(whole, `"rate":1.5,`, "", 1), 5, 0.5},
		{"null_takes_the_default", strings.Replace(whole, `"rate":1.5`, `"rate":null`, 1), 5, 0.5},
		{"null_stays_null_when_nullable", strings.Replace(whole, `"paid":false`, `"paid":null`, 1), 6, nil},
		{"missing_takes_the_default_when_nullable", strings.Replace(whole, `"paid":false,`, "", 1), 6, true},
		{"key_with_escapes", strings.Replace(whole, `"id"`, `"\u0069d"`, 1), 0, int64(1)},
		{"unknown_key_twice", `{"x":1,"x":2,` + whole[1:], 0, int64(1)},
		{"text_with_escapes", strings.Replace(whole, "LAPTOP-001", `\u0633\n`, 1), 1, "س\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newSchema(t, everyField(t)).NewDecoder(memory.DefaultAllocator)
			defer d.Release()
			for range 3 {
				if err := d.Append([]byte(tc.msg)); err != nil {
					t.Fatal(err)
				}
			}
			rec := d.Seal()
			defer rec.Release()
			for i := range 3 {
				if diff := cmp.Diff(tc.want, values(rec, i)[tc.col], sameValue); diff != "" {
					t.Errorf("row %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// Once a few records have come and gone, decoding allocates nothing per row.
func TestDecodingAllocatesNothingPerRow(t *testing.T) {
	s, msgs := sales(t, 20_000, false)
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	batch := func() {
		for _, m := range msgs {
			if err := d.Append(m); err != nil {
				t.Fatal(err)
			}
		}
		d.Seal().Release()
	}
	batch()
	if n := testing.AllocsPerRun(5, batch); n > 200 {
		t.Errorf("%v allocations for %d rows", n, len(msgs))
	}
}

// Records outlive the decoder, and each other, in any order.
func TestRecordsOutliveTheDecoder(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	d := newSchema(t, everyField(t)).NewDecoder(mem)
	var recs []arrow.Record
	for i := range 5 {
		for range i * 700 {
			if err := d.Append([]byte(whole)); err != nil {
				t.Fatal(err)
			}
		}
		recs = append(recs, d.Seal())
	}
	recs[3].Release()
	recs[1].Release()
	if err := d.Append([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	d.Release()
	for _, i := range []int{4, 0, 2} {
		for j := range int(recs[i].NumRows()) {
			if v := recs[i].Column(1).(*array.String).Value(j); v != "LAPTOP-001" {
				t.Fatalf("record %d, row %d holds %q", i, j, v)
			}
		}
		recs[i].Release()
	}
}

func TestRecordHasTheSchema(t *testing.T) {
	t.Parallel()
	s := newSchema(t, []event.Field{
		{Name: "id", Type: kind(t, "int64")},
		{Name: "timestamp", Type: kind(t, "timestamp"), Column: "ts", EventTime: true},
		{Name: "product_id", Type: kind(t, "string"), References: &event.Reference{Table: "dim_products", Column: "product_id"}},
		{Name: "amount", Type: kind(t, "decimal(12,2)"), Nullable: true},
	})
	want := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "product_id", Type: arrow.BinaryTypes.String}, {Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}, Nullable: true},
	}, nil)
	if !s.Arrow().Equal(want) || s.EventTime() != 1 || !cmp.Equal(s.References(), []int{2}) {
		t.Errorf("got %v, event time %d, references %v", s.Arrow(), s.EventTime(), s.References())
	}
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	rec := d.Seal()
	defer rec.Release()
	if !rec.Schema().Equal(want) || rec.NumRows() != 0 {
		t.Errorf("an empty record is %v", rec)
	}
	js, err := json.Marshal(s.Fields()[3].Type)
	if err != nil || string(js) != `"decimal(12,2)"` {
		t.Errorf("a type in JSON is %s, %v", js, err)
	}
}
