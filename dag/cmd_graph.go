package main

import (
	"context"
	"io"
	"strings"
)

// cmdGraph draws the chosen jobs with what each edge waits for.
func cmdGraph(ctx context.Context, c *call) error {
	p, err := c.plan()
	if err != nil {
		return err
	}
	nodes, err := c.chosen(ctx, p)
	if err != nil {
		return err
	}
	g := p.Graph(nodes)
	switch c.format {
	case "ascii":
		var b strings.Builder
		if err := g.WriteText(&b, pageWidth-2); err != nil { // marks between thousands make it a little wider
			return err
		}
		_, err := io.WriteString(c.stdout, grouped(b.String()))
		return err
	case "mermaid":
		return g.WriteMermaid(c.stdout)
	case "dot":
		return g.WriteDot(c.stdout)
	case "json":
		return g.WriteJSON(c.stdout)
	default:
		return usagef("-o %s is not known; ascii, mermaid, dot or json", c.format)
	}
}
