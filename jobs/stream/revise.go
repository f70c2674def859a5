package stream

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"tillflow/lib/window"
)

// A window that late rows were added to (late: include) says in its column revised how many of its rows came when it had
// ended already. Like everything else in the table it depends on the log alone: each row is judged by the watermark of its
// own place, also when it is held and stored much later. Late rows are few, so they are counted beside the totals and
// cost nothing while none comes.

// revisedColumn is the column; a table that was made for late: drop is given it when a stream includes late rows.
const revisedColumn = "revised"

// mark adds the column to the declaration of the window's table.
func (w *windowSink) mark() {
	w.table.columns = append(w.table.columns, column{name: revisedColumn, typ: arrow.PrimitiveTypes.Int64, initial: "0"})
	names, types := []string{window.StartColumn}, []string{"timestamp"}
	for _, i := range w.keys {
		if c := w.table.columns[i]; c.name != window.StartColumn {
			names, types = append(names, c.name), append(types, arrayType(c))
		}
	}
	for i := range len(names) + 1 {
		w.revised = append(w.revised, i)
	}
	params, same := make([]string, 0, len(names)+1), make([]string, len(names))
	for i, n := range names {
		params = append(params, fmt.Sprintf("$%d::%s[]", i+1, types[i]))
		same[i] = fmt.Sprintf("t.%[1]s = d.%[1]s", quote(n))
	}
	params = append(params, fmt.Sprintf("$%d::bigint[]", len(names)+1))
	w.revise = fmt.Sprintf("update %s as t set %[2]s = t.%[2]s + d.tillflow_late\nfrom unnest(%[3]s) as d (%[4]s, tillflow_late)\nwhere %[5]s",
		quote(w.table.name), quote(revisedColumn), strings.Join(params, ", "), quoteAll(names), strings.Join(same, " and "))
}

// revised counts the rows that were added to windows which had ended before them. count says by window which rows belong
// to it.
func (w *writer) revised(r *rows, count [][]bool) {
	for k, v := range w.revisions {
		v.Add(r.rec, count[k], r.marks)
	}
}
