package main

import (
	"context"
	"fmt"
	"strings"
)

// cmdLs lists the chosen jobs: for people, for programs, or their names alone, one on a line.
func cmdLs(ctx context.Context, c *call) error {
	p, err := c.plan()
	if err != nil {
		return err
	}
	nodes, err := c.chosen(ctx, p)
	if err != nil {
		return err
	}
	switch c.format {
	case "names":
		for _, n := range nodes {
			fmt.Fprintln(c.stdout, n.Name)
		}
		return nil
	case "json":
		return encode(c.stdout, p.Graph(nodes).Jobs)
	case "table":
		rows := [][]string{{"JOB", "USES", "KIND", "TAGS", "WHEN"}}
		for _, n := range nodes {
			rows = append(rows, []string{n.Name, n.Job.Uses, n.Job.Kind.Word(), dash(strings.Join(n.Job.Tags, " ")), grouped(n.Job.Opens())})
		}
		return printColumns(c.stdout, widthOf(c.stdout), rows)
	default:
		return usagef("-o %s is not known; table, json or names", c.format)
	}
}
