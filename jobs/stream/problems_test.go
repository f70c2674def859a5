package stream

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Reasons that differ only in what the message has are one problem, and its name finds all of them with
// `dag deadletters ls --reason`.
func TestReasonClass(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		`not JSON: unexpected end of JSON input (byte 7)`:                           `not JSON: *`,
		`not a JSON object but an array`:                                            `not a JSON object but an array`,
		`amount: missing`:                                                           `amount: missing`,
		`amount: given twice`:                                                       `amount: given twice`,
		`amount: "12,3" is not a number`:                                            `amount: * is not a number`,
		`amount: 12.345 has 3 decimals, decimal(12,2) allows 2`:                     `amount: * has * decimal*, decimal(12,2) allows 2`,
		`amount: 1e400 has 401 digits before the point, decimal(12,2) allows 10`:    `amount: * has * digit* before the point, decimal(12,2) allows 10`,
		`amount: [1, 2] is an array, not a decimal(12,2)`:                           `amount: * is an array, not a decimal(12,2)`,
		`id: "7" is a string, not an int64`:                                         `id: * is a string, not an int64`,
		`id: 1.5 has a fraction, int64 allows none`:                                 `id: * has a fraction, int64 allows none`,
		`id: 99999999999999999999 does not fit int64`:                               `id: * does not fit int64`,
		`timestamp: "2025-13-01" is not a time: it has month 13`:                    `timestamp: * is not a time: *`,
		`name: text has 14 characters, 13 are allowed`:                              `name: text has * characters, 13 are allowed`,
		`name: text is not valid UTF-8: ab`:                                         `name: text is not valid UTF-8: *`,
		`kind: "x is a string, not an int64" is not one of a, b`:                    `kind: * is not one of a, b`,
		`amount: -3 is below the minimum 0`:                                         `amount: * is below the minimum 0`,
		`name: text holds half of a surrogate pair, \ud83d`:                         `name: text holds half of a surrogate pair*`,
		`the table refuses it: new row violates "c" (Failing row contains (1, 2).)`: `the table refuses it: new row violates "c" (*`,
	} {
		if got := reasonClass(reason); got != want {
			t.Errorf("%s\n got %s\nwant %s", reason, got, want)
		}
		if !pattern(want).MatchString(reason) {
			t.Errorf("%q does not find %q", want, reason)
		}
	}
}

// pattern is a class as it finds reasons.
func pattern(class string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(class), `\*`, ".*") + "$")
}

// problemRows are the problems in the ledger, without their times.
func (r *rig) problemRows() []string {
	r.t.Helper()
	return r.texts(`select partition, kind, subject, count, example, "offset", cleared_at is not null from dag.stream_problems order by 1, 2, 3`)
}

// What is wrong with messages is counted in the transaction of their batch: by reason, by field, by dimension.
func TestProblemsOfMessagesAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	bad := func(i int, old, new string) string { return strings.Replace(makeSale(i, 0), old, new, 1) }
	r.send(0, makeSale(1, 0),
		bad(2, `"amount":2.02`, `"amount":"two"`), bad(3, `"amount":3.03`, `"amount":[3]`), "{", bad(4, `"amount":4.04`, `"amount":"four"`),
		bad(5, `"P1"`, `"LAPTOP-999"`), bad(6, `"P2"`, `"LAPTOP-998"`), `{"till":4,`+makeSale(7, 0)[1:], `{"till":5,`+makeSale(8, 0)[1:])
	r.once(func(w *With, _ *Deps) { w.Batch = 2 }) // many batches count the same as one
	want := []string{
		`(0,dead-letter,"amount: * is an array, not a decimal(12,2)",1,"amount: [3] is an array, not a decimal(12,2)",2,f)`,
		`(0,dead-letter,"amount: * is not a number",2,"amount: ""two"" is not a number",1,f)`,
		`(0,dead-letter,"not JSON: *",1,"not JSON: unexpected end of JSON input (byte 1)",3,f)`,
		`(0,held,dim_products.product_id,2,dim_products.product_id=LAPTOP-999,5,f)`,
		`(0,unknown-field,till,2,4,7,f)`,
	}
	got := r.problemRows()
	for i := range got { // an unknown field is placed by the batch it was first seen in
		got[i] = regexp.MustCompile(`till,2,4,[4-7],`).ReplaceAllString(got[i], "till,2,4,7,")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("problems (-want +got):\n%s", diff)
	}
	if n := r.number(`select count(*) from dag.stream_problems where advice = ''`); n != 0 {
		t.Errorf("%d problems have no advice", n)
	}
	r.verify()

	// A stream with nothing wrong writes nothing about problems.
	const versions = "select subject, xmin from dag.stream_problems order by 1"
	before := r.texts(versions)
	r.send(0, makeSale(9, 0))
	r.once()
	if diff := cmp.Diff(before, r.texts(versions)); diff != "" {
		t.Errorf("a batch without problems wrote about problems:\n%s", diff)
	}

	// What is over is cleared: the rows came, the letters were dropped, the field is declared.
	r.exec("insert into dim_products values ('LAPTOP-999', 'x', 'Electronics', 10), ('LAPTOP-998', 'x', 'Electronics', 10)")
	r.exec("delete from dag.dead_letters where reason like 'not JSON%'")
	r.once()
	var open []string
	for _, p := range r.problemRows() {
		if strings.HasSuffix(p, ",f)") {
			open = append(open, p)
		}
	}
	if len(open) != 3 || !strings.Contains(open[0], "array") || !strings.Contains(open[1], "number") || !strings.Contains(open[2], "till") {
		t.Errorf("still open: %v", open)
	}
}

// A producer that writes something new into every message does not fill the ledger.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	var values []string
	for i := range 150 {
		values = append(values, fmt.Sprintf(`{"field_%d":1,`, i)+makeSale(i, 0)[1:])
	}
	r.send(0, values...)
	r.once(func(w *With, d *Deps) { w.Batch, d.Log = 40, nil })
	if n := r.number("select count(*) from dag.stream_problems"); n > 101 {
		t.Errorf("%d problems, want at most a hundred and one for the others", n)
	}
	if n := r.number("select sum(count) from dag.stream_problems"); n != 150 {
		t.Errorf("%d fields counted, want 150", n)
	}
}

// A topic of rubbish is not to be slowed down by its classes.
func BenchmarkReasonClass(b *testing.B) {
	for b.Loop() {
		reasonClass(`amount: "twelve and a half, but that is a string, not anything" is not a number`)
	}
}
