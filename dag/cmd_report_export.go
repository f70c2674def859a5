package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tillflow/lib/chart"
	"tillflow/lib/notebook"
)

// reportExport writes one cell: a chart as a picture, or the rows of a cell as CSV.
func reportExport(ctx context.Context, c *call, args []string) error {
	if len(args) != 2 {
		return usagef("name a report and a cell of it: dag report export FILE|JOB CELL -o x.svg|x.png|x.csv [--param NAME=VALUE] [--as-of TIME] [--dark]")
	}
	kind, err := c.exportKind()
	if err != nil {
		return err
	}
	rep, v, err := c.readReport(args[0])
	if err != nil {
		return err
	}
	cell := args[1]
	known := rep.Cells("chart")
	if kind == "csv" {
		known = rep.Cells("chart", "table", "sql")
	}
	if !slices.Contains(known, cell) {
		what := "chart"
		if kind == "csv" {
			what = "cell with rows"
		}
		return usagef("%s has no %s %q%s; it has %s", rep.File, what, cell, hint(cell, known), list(known))
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	data, err := c.loadReport(ctx, rep, v)
	if err != nil {
		return interrupted(ctx, err)
	}
	var out bytes.Buffer
	err = writeCell(&out, data, cell, kind, c.rep.dark)
	var failed *notebook.CellError
	switch {
	case errors.As(err, &failed):
		return c.failedCells([]*notebook.CellError{failed})
	case errors.Is(err, chart.ErrEmpty):
		return fmt.Errorf("%s has nothing to draw: its query gave no rows", cell)
	case err != nil:
		return err
	}
	if err := c.writeOut(c.rep.out, out.Bytes()); err != nil {
		return err
	}
	if c.rep.out != "-" {
		fmt.Fprintf(c.stdout, "%s: %s of %s, %d kB\n", c.rep.out, cell, rep.File, (out.Len()+999)/1000)
	}
	return nil
}

// exportKind is what the name of the file asks for; rows go to the output too.
func (c *call) exportKind() (string, error) {
	switch kind := strings.ToLower(strings.TrimPrefix(filepath.Ext(c.rep.out), ".")); {
	case c.rep.out == "":
		return "", usagef("say where to with -o: x.svg or x.png for a picture of a chart, x.csv or - for rows")
	case c.rep.out == "-":
		return "csv", nil
	case slices.Contains([]string{"svg", "png", "csv"}, kind):
		return kind, nil
	default:
		return "", usagef("-o %s is neither a picture nor rows; x.svg, x.png or x.csv", c.rep.out)
	}
}

func writeCell(out *bytes.Buffer, data *notebook.Data, cell, kind string, dark bool) error {
	switch kind {
	case "svg":
		return data.ChartSVG(out, cell, chart.Picture{Dark: dark})
	case "png":
		return data.ChartPNG(out, cell, chart.Picture{Dark: dark})
	}
	return data.CSV(out, cell)
}
