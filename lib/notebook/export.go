package notebook

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
)

// Cells lists the names of the cells of some kinds, in the order of the file; without kinds, of all.
func (r *Report) Cells(kinds ...string) []string {
	var names []string
	for _, c := range r.cells {
		if c.name != "" && (len(kinds) == 0 || slices.Contains(kinds, c.kind)) {
			names = append(names, c.name)
		}
	}
	return names
}

// exported are the kinds of cells whose rows can be written as CSV.
var exported = []string{"sql", "table", "chart"}

// CSV writes the rows of a cell for other programs, with a header: of a table its columns by the names a reader sees, of a
// chart or a query all columns of the query by their own names. Numbers and times are plain (12.5, 2026-11-22 20:14:03 in
// the report's zone), missing values empty. Text that a spreadsheet would take for a formula, since it begins with =, +, -,
// @ or a tab, gets a quote mark in front; a number as text does not.
//
// The error is a *CellError when the query failed or a column is not there.
func (d *Data) CSV(w io.Writer, name string) error {
	c := d.Report.byName[name]
	if c == nil || !slices.Contains(exported, c.kind) {
		known := d.Report.Cells(exported...)
		hint := strictyaml.SuggestOrList(name, known)
		if hint != "" {
			hint = " (" + hint + ")"
		}
		return fmt.Errorf("%s has no sql, table or chart cell %q%s", d.Report.File, name, hint)
	}
	source := c.name
	if c.sql == nil {
		source = c.card().Data
	}
	f, err := d.rowsOfCell(source)
	if err != nil {
		return err
	}
	var cols []column
	if c.table != nil {
		var failed *CellError
		if cols, failed = d.tableColumns(c, f); failed != nil {
			return failed
		}
	} else {
		for i := range f.Columns {
			cols = append(cols, column{label: f.Columns[i].Name, data: &f.Columns[i]})
		}
	}
	return writeCSV(w, cols, f.Rows(), d.Report.location)
}

// rowsOfCell are the current rows of an sql cell.
func (d *Data) rowsOfCell(name string) (*frame.Frame, error) {
	r := d.Results[name]
	switch {
	case r.Err != nil:
		return nil, r.Err
	case r.Waiting != "":
		if e := d.Results[r.Waiting].Err; e != nil {
			return nil, e
		}
		return nil, fmt.Errorf("%s waits for %s", name, r.Waiting)
	case r.Frame == nil:
		return nil, fmt.Errorf("%s was not loaded", name)
	}
	return r.Frame, nil
}

func writeCSV(w io.Writer, cols []column, rows int, zone *time.Location) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	record := make([]string, len(cols))
	for k, c := range cols {
		record[k] = harmless(c.label)
	}
	err := out.Write(record)
	for i := 0; i < rows && err == nil; i++ {
		for k, c := range cols {
			switch c.data.Kind {
			case frame.Time:
				record[k] = sortValue(c.data, i, zone)
			case frame.String:
				record[k] = harmless(c.data.Text(i))
			default:
				record[k] = c.data.Text(i)
			}
		}
		err = out.Write(record)
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// harmless puts a quote mark before text that a spreadsheet would run as a formula. Leading blanks do not hide one: some
// spreadsheets cut them off.
func harmless(s string) string {
	rest := strings.TrimLeft(s, " ")
	if rest == "" || !strings.ContainsRune("=+-@\t\r", rune(rest[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(rest, 64); err == nil && rest[0] != '+' {
		return s
	}
	return "'" + s
}

// Frame shows the error with the line of the query it is about, as mistakes in a file are shown:
//
//	reports/shop.md:12:8: cell stock: column "on_hand" does not exist
//	   12 | select on_hand from dim_stores
//	      |        ^^^^^^^
func (e *CellError) Frame() string {
	var b strings.Builder
	plain := *e
	plain.Hint = ""
	b.WriteString(plain.Error() + "\n")
	if e.Source != "" {
		fmt.Fprintf(&b, "%5d | %s\n      | %s\n", e.Line, e.Source, e.Mark)
	}
	if e.Hint != "" {
		b.WriteString("      = " + e.Hint + "\n")
	}
	return b.String()
}
