package plan

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteMermaid writes the graph as a Mermaid flow chart, which GitHub and many wikis draw: streams rounded, checks as
// hexagons, reports slanted; a dotted edge is a gate's condition alone.
func (g Graph) WriteMermaid(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("flowchart LR\n")
	ids := map[string]string{}
	for i, j := range g.Jobs {
		ids[j.Name] = fmt.Sprintf("j%d", i)
		shape := map[string][2]string{"stream": {"([", "])"}, "check": {"{{", "}}"}, "report": {"[/", "/]"}, "batch": {"[", "]"}}[j.Kind]
		fmt.Fprintf(&b, "  %s%s\"%s<br>%s<br>%s\"%s\n", ids[j.Name], shape[0], mermaid(j.Name), mermaid(j.Uses), mermaid(j.When), shape[1])
	}
	for _, e := range g.Edges {
		arrow := [2]string{"-- ", " -->"}
		if e.Need == "" {
			arrow = [2]string{"-. ", " .->"}
		}
		fmt.Fprintf(&b, "  %s %s\"%s\"%s %s\n", ids[e.From], arrow[0], mermaid(e.Label()), arrow[1], ids[e.To])
	}
	_, err := w.Write(b.Bytes())
	return err
}

// mermaid writes text within double quotes, where it knows entities but no backslash.
func mermaid(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s)
}

// WriteDot writes the graph for Graphviz.
func (g Graph) WriteDot(w io.Writer) error {
	var b bytes.Buffer
	name := g.Name
	if name == "" {
		name = "pipeline"
	}
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR;\n  node [fontname=\"sans-serif\" fontsize=11];\n  edge [fontname=\"sans-serif\" fontsize=9];\n", dot(name))
	for _, j := range g.Jobs {
		shape := map[string]string{"stream": "ellipse", "check": "hexagon", "report": "note", "batch": "box"}[j.Kind]
		fmt.Fprintf(&b, "  %s [shape=%s label=%s];\n", dot(j.Name), shape, dot(j.Name+"\n"+j.Uses+"\n"+j.When))
	}
	for _, e := range g.Edges {
		style := ""
		if e.Need == "" {
			style = " style=dashed"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", dot(e.From), dot(e.To), dot(e.Label()), style)
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// dot writes a quoted name.
func dot(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
