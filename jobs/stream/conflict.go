package stream

import (
	"fmt"
	"slices"
	"strings"
)

// A conflict is a repeated key with other values: the row that came first stays, as for any duplicate, but somebody should
// know that two messages do not agree. It is looked for only where a batch had repeated keys, so a batch without any pays
// nothing. Of two messages with one id and different event times both rows stay when the time is part of the key; finding
// them would take a look into the index for each row, about what inserting it costs. The job check does it, with unique.

// conflictsOf is the statement that compares staged rows, by their places in the batch, with the rows the table has: one row
// back for each that differs, with its place and, for the first, in what. Empty when the key is all there is.
//
// The limit keeps it a look into the index for each repeated row: joined as sets, a table without statistics could be
// read whole.
func conflictsOf(raw table, names []string) string {
	var values []string
	for _, n := range names {
		if !slices.Contains(raw.key, n) {
			values = append(values, n)
		}
	}
	if len(values) == 0 {
		return ""
	}
	key := make([]string, len(raw.key))
	for i, n := range raw.key {
		key[i] = fmt.Sprintf("%s || s.%s", literal(n+" "), quote(n))
	}
	said := make([]string, len(values))
	for i, n := range values {
		said[i] = fmt.Sprintf("case when s.%[1]s is distinct from t.%[1]s then %[2]s || coalesce(s.%[1]s::text, 'null') || %[3]s || coalesce(t.%[1]s::text, 'null') end",
			quote(n), literal(n+" "), literal(", the table has "))
	}
	return fmt.Sprintf("select s.%[1]s, case when row_number() over (order by s.%[1]s) = 1 then concat_ws(', ', %[2]s) || ': ' || concat_ws('; ', %[3]s) else '' end\n"+
		"from %[4]s s cross join lateral (select %[5]s from %[6]s o where (%[7]s) = (%[8]s) limit 1) t\n"+
		"where s.%[1]s = any($1) and (%[9]s) is distinct from (%[10]s)\n"+
		"order by s.%[1]s",
		stageRow, strings.Join(key, ", "), strings.Join(said, ", "),
		stageTable, of("o", values), quote(raw.name), of("o", raw.key), of("s", raw.key), of("s", values), of("t", values))
}

// of names columns of one table among others: s.a, s.b.
func of(alias string, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = alias + "." + quote(n)
	}
	return strings.Join(out, ", ")
}
