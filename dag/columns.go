package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// pageWidth is what tables and pictures fit into: the width of a terminal that nobody has made wider.
const pageWidth = 80

// printColumns writes rows in columns two blanks apart, the first row being the heads. Where they are wider than the
// page, the widest columns go over several lines, broken between words; a single long word is never cut.
func printColumns(w io.Writer, width int, rows [][]string) error {
	fit := columnWidths(width, rows)
	for _, row := range rows {
		cells, height := make([][]string, len(row)), 1
		for i, cell := range row {
			cells[i] = wrap(cell, fit[i])
			height = max(height, len(cells[i]))
		}
		for line := range height {
			var b strings.Builder
			for i := range cells {
				text := ""
				if line < len(cells[i]) {
					text = cells[i][line]
				}
				b.WriteString(text)
				if i < len(cells)-1 {
					b.WriteString(strings.Repeat(" ", fit[i]-utf8.RuneCountInString(text)+2))
				}
			}
			if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnWidths gives each column the width of its widest cell, and takes from the widest ones what the page lacks.
func columnWidths(width int, rows [][]string) []int {
	wide, least := make([]int, len(rows[0])), make([]int, len(rows[0]))
	total := -2
	for i := range wide {
		for _, row := range rows {
			wide[i] = max(wide[i], utf8.RuneCountInString(row[i]))
			for word := range strings.FieldsSeq(row[i]) {
				least[i] = max(least[i], utf8.RuneCountInString(word))
			}
		}
		total += wide[i] + 2
	}
	for ; total > width; total-- {
		widest := -1
		for i := range wide {
			if wide[i] > least[i] && (widest < 0 || wide[i] > wide[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		wide[widest]--
	}
	return wide
}

// wrap breaks a text between words into lines of at most width characters.
func wrap(text string, width int) []string {
	lines := []string{}
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
