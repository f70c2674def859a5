package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each kind of bad input, by name, from the topic to the table it ends in: with the reason a person reads, or stored as
// it is when it is only unusual. One message is one row of one table, and the good one after them all goes through.
func TestBadInputByName(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	sale := func(key, value string) string {
		fields := []string{"transaction_id", "product_id", "store_id", "customer_id", "amount", "timestamp"}
		values := map[string]string{
			"transaction_id": "1", "product_id": `"P1"`, "store_id": `"S1"`, "customer_id": `"C1"`, "amount": "12.34", "timestamp": `"2025-01-01 12:00:00"`,
		}
		var parts []string
		for _, f := range fields {
			v := values[f]
			if f == key {
				v = value
			}
			if v != "" {
				parts = append(parts, fmt.Sprintf("%q:%s", f, v))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	good := sale("", "")
	cases := []struct{ name, msg, want string }{
		{"empty_message", "", "dead: not JSON: the message is empty"},
		{"null", "null", "dead: not a JSON object but null"},
		{"empty_object", "{}", "dead: transaction_id: missing"},
		{"truncated", good[:50], "dead: not JSON: unexpected end of JSON input (byte 50)"},
		{"text", "hello", "dead: not JSON: invalid character 'h' looking for beginning of value (byte 1)"},
		{"array_of_sales", "[" + good + "]", "dead: not a JSON object but an array"},
		{"two_sales", good + good, "dead: not JSON: invalid character '{' after top-level value (byte 123)"},
		{"as_large_as_a_broker_takes", `{"note":"` + strings.Repeat("y", 800<<10) + `",` + sale("transaction_id", "100")[1:], "stored: 100 P1 C1 12.34 2025-01-01 12:00:00"},
		{"large_and_cut_off", `{"note":"` + strings.Repeat("y", 800<<10), "dead: not JSON: unexpected end of JSON input (byte 819209)"},
		{"invalid_utf8", sale("customer_id", "\"a\xffb\""), "dead: customer_id: text is not valid UTF-8: a\uFFFDb"},
		{"nul", sale("customer_id", `"a\u0000b"`), `dead: customer_id: text holds \u0000, which Postgres cannot store`},
		{"half_a_surrogate_pair", sale("customer_id", `"\ud83d"`), `dead: customer_id: text holds half of a surrogate pair, \ud83d`},
		{"duplicate_key", `{"amount":1,` + good[1:], "dead: amount: given twice"},
		{"duplicate_unknown_key", `{"note":1,"note":2,` + sale("transaction_id", "101")[1:], "stored: 101 P1 C1 12.34 2025-01-01 12:00:00"},
		{"missing", sale("amount", ""), "dead: amount: missing"},
		{"null_amount", sale("amount", "null"), "dead: amount: null"},
		{"three_decimals", sale("amount", "12.345"), "dead: amount: 12.345 has 3 decimals, decimal(12,2) allows 2"},
		{"three_decimals_in_a_string", sale("amount", `"12.345"`), `dead: amount: "12.345" has 3 decimals, decimal(12,2) allows 2`},
		{"zeros_at_the_end", strings.Replace(sale("amount", "12.34000"), ":1,", ":102,", 1), "stored: 102 P1 C1 12.34 2025-01-01 12:00:00"},
		{"1e400", sale("amount", "1e400"), "dead: amount: 1e400 has 401 digits before the point, decimal(12,2) allows 10"},
		{"nan", sale("amount", "NaN"), "dead: not JSON: invalid character 'N' looking for beginning of value (byte 83)"},
		{"nan_in_a_string", sale("amount", `"NaN"`), `dead: amount: "NaN" is not a number`},
		{"infinity", sale("amount", `"Infinity"`), `dead: amount: "Infinity" is not a number`},
		{"negative_amount", strings.Replace(sale("amount", "-0.01"), ":1,", ":103,", 1), "stored: 103 P1 C1 -0.01 2025-01-01 12:00:00"},
		{"amount_in_a_string", strings.Replace(sale("amount", `"-5"`), ":1,", ":104,", 1), "stored: 104 P1 C1 -5.00 2025-01-01 12:00:00"},
		{"too_many_digits", sale("amount", "12345678901"), "dead: amount: 12345678901 has 11 digits before the point, decimal(12,2) allows 10"},
		{"id_of_19_digits", sale("transaction_id", "9223372036854775807"), "stored: 9223372036854775807 P1 C1 12.34 2025-01-01 12:00:00"},
		{"id_beyond_int64", sale("transaction_id", "9223372036854775808"), "dead: transaction_id: 9223372036854775808 does not fit int64"},
		{"id_with_a_fraction", sale("transaction_id", "1.5"), "dead: transaction_id: 1.5 has a fraction, int64 allows none"},
		{"id_in_a_string", sale("transaction_id", `"1"`), `dead: transaction_id: "1" is a string, not an int64`},
		{"leap_second", sale("timestamp", `"2016-12-31 23:59:60"`), `dead: timestamp: "2016-12-31 23:59:60" is not a time: its time of day is 23:59:60`},
		{"30th_of_february", sale("timestamp", `"2025-02-30 00:00:00"`), `dead: timestamp: "2025-02-30 00:00:00" is not a time: it has day 30 in month 2`},
		{"year_0000", sale("timestamp", `"0000-01-01 00:00:00"`), `dead: timestamp: "0000-01-01 00:00:00" is not a time: it has year 0`},
		{"year_0001", sale("timestamp", `"0001-01-01 00:00:00"`), "stored: 1 P1 C1 12.34 0001-01-01 00:00:00"},
		{"year_9999", sale("timestamp", `"9999-12-31 23:59:59"`), "stored: 1 P1 C1 12.34 9999-12-31 23:59:59"},
		{"year_10000", sale("timestamp", `"10000-01-01 00:00:00"`), `dead: timestamp: "10000-01-01 00:00:00" is not a time: expected 2006-01-02 15:04:05 or ISO 8601`},
		{"array_bomb", strings.Repeat("[", 100_000), "dead: not JSON: invalid character '[' exceeded max depth (byte 10001)"},
		{"array_bomb_in_an_unknown_field", `{"note":` + strings.Repeat("[", 100_000), "dead: not JSON: invalid character '[' exceeded max depth (byte 10008)"},
		{"unknown_product", sale("product_id", `"P999"`), "held: dim_products.product_id=P999"},
		{"unknown_store", sale("store_id", `"S999"`), "held: dim_stores.store_id=S999"},
		{"unknown_product_and_store", strings.Replace(sale("store_id", `"S999"`), "P1", "P999", 1), "held: dim_products.product_id=P999, dim_stores.store_id=S999"},
		{"good", good, "stored: 1 P1 C1 12.34 2025-01-01 12:00:00"},
		{"good_again", good, ""},
	}
	var values, want []string
	stored := map[string]bool{}
	for i, c := range cases {
		values = append(values, c.msg)
		if text, ok := strings.CutPrefix(c.want, "stored: "); ok {
			stored[text] = true
		} else if c.want != "" {
			want = append(want, fmt.Sprintf("%d %s", i, c.want))
		}
	}
	for _, v := range values { // one batch each: the large ones would not go together
		r.send(0, v)
	}
	r.once()
	r.verify()
	query := func(sql string) []string {
		rows, err := r.db.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			out = append(out, line)
		}
		return out
	}
	got := query(`select "offset" || what from (select "offset", ' dead: ' || reason as what from dag.dead_letters
		union all select "offset", ' held: ' || missing from dag.held_rows) x order by "offset"`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages that are no rows (-want +got):\n%s", diff)
	}
	rows := query("select concat_ws(' ', transaction_id, product_id, customer_id, amount, to_char(ts, 'YYYY-MM-DD HH24:MI:SS')) from transactions")
	for _, row := range rows {
		if !stored[row] {
			t.Errorf("a row that no message is: %s", row)
		}
		delete(stored, row)
	}
	for row := range stored {
		t.Errorf("no row for %s", row)
	}
	if n := r.number("select sum(duplicates) from dag.stream_batches"); n != 1 {
		t.Errorf("%d duplicates, want 1", n)
	}
	if n := r.number("select count(*) from dag.dead_letters d where d.value is distinct from $1 and d.\"offset\" = 3", []byte(good[:50])); n != 0 {
		t.Error("a dead letter is not the message as it came")
	}
}
