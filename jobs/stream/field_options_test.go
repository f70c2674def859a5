package stream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// optionFields has a field for each option a field can have.
const optionFields = `
topic: options
fields:
  id:       { type: int64 }
  when:     { type: timestamp, event_time: true }
  float:    { type: float64, nullable: true }
  dec:      { type: "decimal(38,10)", nullable: true }
  flag:     { type: bool, nullable: true }
  nested:   { type: string, path: $.order.lines.first, nullable: true }
  beside:   { type: int64, path: $.order.number, nullable: true }
  secs:     { type: timestamp, format: epoch_s, nullable: true }
  millis:   { type: timestamp, format: epoch_ms, nullable: true }
  micros:   { type: timestamp, format: epoch_us, nullable: true }
  renamed:  { type: string, column: "Select", nullable: true }
  standard: { type: string, default: "none" }
  counted:  { type: int64, default: "7", nullable: true }
  short:    { type: string, max_length: 3, nullable: true }
  one_of:   { type: string, accept: [red, green], nullable: true }
  few:      { type: int64, accept: ["1", "2"], nullable: true }
  least:    { type: "decimal(5,2)", min: "0.01", nullable: true }
  most:     { type: timestamp, max: "2030-01-01 00:00:00", nullable: true }
  room:     { type: int64, references: opt.rooms.room, nullable: true }
sinks:
  opt.rows: { append: all, key: [id, when] }
`

// Every option of a field, from the message to the table.
func TestEveryFieldOption(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, optionFields)
	r.exec("create schema opt")
	r.exec("create table opt.rooms (room bigint primary key)")
	r.exec("insert into opt.rooms values (1)")
	cases := []struct{ name, field, column, want string }{
		{"type_float64", `"float":1.5e3`, "float", "1500"},
		{"type_float64_wrong", `"float":"1"`, "", `float: "1" is a string, not a float64`},
		{"type_decimal_of_38_digits", `"dec":"1234567890123456789012345678.0123456789"`, "dec", "1234567890123456789012345678.0123456789"},
		{"type_bool", `"flag":false`, "flag", "false"},
		{"type_bool_wrong", `"flag":0`, "", "flag: 0 is a number, not a bool"},
		{"path", `"order":{"lines":{"first":"x","second":"y"}}`, "nested", "x"},
		{"path_shared", `"order":{"number":5,"lines":{}}`, "beside", "5"},
		{"path_that_is_no_object", `"order":{"lines":[1]}`, "", "nested: order.lines is an array, not an object"},
		{"path_missing_is_null", `"order":null`, "nested", "null"},
		{"format_epoch_s", `"secs":1735732800.5`, "secs", "2025-01-01 12:00:00.5"},
		{"format_epoch_ms", `"millis":1735732800001`, "millis", "2025-01-01 12:00:00.001"},
		{"format_epoch_us", `"micros":1735732800000001`, "micros", "2025-01-01 12:00:00.000001"},
		{"format_epoch_us_with_a_fraction", `"micros":1.5`, "", "micros: 1.5 has a fraction, epoch_us allows none"},
		{"column", `"renamed":"x"`, "Select", "x"},
		{"column_is_not_the_name", `"Select":"x"`, "Select", "null"},
		{"nullable", `"renamed":null`, "Select", "null"},
		{"default_of_missing", `"x":1`, "standard", "none"},
		{"default_of_null", `"standard":null`, "standard", "none"},
		{"default_and_given", `"standard":""`, "standard", ""},
		{"default_of_missing_when_nullable", `"x":1`, "counted", "7"},
		{"null_stays_null_when_nullable", `"counted":null`, "counted", "null"},
		{"max_length_in_characters", `"short":"سما"`, "short", "سما"},
		{"max_length_over", `"short":"abcd"`, "", "short: text has 4 characters, 3 are allowed"},
		{"accept", `"one_of":"red"`, "one_of", "red"},
		{"accept_other", `"one_of":"Red"`, "", `one_of: "Red" is not one of red, green`},
		{"accept_numbers", `"few":2`, "few", "2"},
		{"accept_other_number", `"few":3`, "", "few: 3 is not one of 1, 2"},
		{"min_itself", `"least":0.01`, "least", "0.01"},
		{"min_below", `"least":0`, "", "least: 0 is below the minimum 0.01"},
		{"max_itself", `"most":"2030-01-01T03:00:00+03:00"`, "most", "2030-01-01 00:00:00"},
		{"max_above", `"most":"2030-01-01 00:00:00.000001"`, "", `most: "2030-01-01 00:00:00.000001" is above the maximum 2030-01-01 00:00:00`},
		{"references", `"room":1`, "room", "1"},
		{"references_null", `"room":null`, "room", "null"},
		{"references_unknown", `"room":2`, "", "opt.rooms.room=2"},
		{"event_time_alone_is_enough", `"x":{}`, "when", "2025-01-01 12:00:00"},
		{"event_time_missing", `"when":null`, "", "when: given twice"},
	}
	var values []string
	want := map[string]string{}
	for i, c := range cases {
		values = append(values, fmt.Sprintf(`{"id":%d,"when":"2025-01-01 12:00:00",%s}`, i, c.field))
		want[c.name] = c.want
	}
	values = append(values, `{"id":1000}`)
	want["no_event_time"] = "when: missing"
	r.send(0, values...)
	r.once()
	got := map[string]string{}
	for i, c := range cases {
		if c.column == "" {
			continue
		}
		got[c.name] = "no row"
		for _, text := range r.texts(fmt.Sprintf(`select coalesce("%s"::text, 'null') || '|' from opt.rows where id = $1`, c.column), i) {
			got[c.name] = strings.TrimSuffix(strings.Trim(text, `()"`), "|")
		}
	}
	for _, table := range []string{"dead_letters", "held_rows"} {
		what := map[string]string{"dead_letters": "reason", "held_rows": "missing"}[table]
		rows, err := r.db.Query(t.Context(), fmt.Sprintf(`select "offset", %s from dag.%s`, what, table))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var offset int
			var reason string
			if err := rows.Scan(&offset, &reason); err != nil {
				t.Fatal(err)
			}
			if offset == len(cases) {
				got["no_event_time"] = reason
			} else {
				got[cases[offset].name] = reason
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if types := r.texts("select column_name || ' ' || data_type || coalesce(' ' || character_maximum_length, '') || ' ' || is_nullable from information_schema.columns where table_schema = 'opt' and table_name = 'rows' and column_name in ('id', 'short', 'room', 'most', 'standard')"); !slices.Equal(slices.Sorted(slices.Values(types)), []string{
		`("id bigint NO")`, `("most timestamp without time zone YES")`, `("room bigint YES")`, `("short character varying 3 YES")`, `("standard character varying NO")`,
	}) {
		t.Errorf("columns: %v", types)
	}
	if len(slices.Collect(maps.Keys(want))) != len(cases)+1 {
		t.Error("two cases have one name")
	}
}
