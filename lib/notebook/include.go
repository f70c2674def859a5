package notebook

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// include reads another file into the report, in place of its fence:
//
//	~~~include parts/sales.md
//	~~~
//
// The name is relative to the file the fence stands in. What the other file holds counts as if it stood here.
func (p *parsing) include(ws []word) {
	at := ws[0].at
	if len(ws) != 2 {
		p.problem(at, "include names one file", "write ~~~include parts/sales.md and close the fence on the next line")
		return
	}
	given := ws[1]
	if path.IsAbs(given.text) || strings.ContainsAny(given.text, "\\:") {
		p.problem(given.at, fmt.Sprintf("%q cannot be included", given.text), "the name is relative to this file, with /")
		return
	}
	name := p.doc.beside(given.text)
	if i := slices.IndexFunc(p.open, func(d *document) bool { return d.name == name }); i >= 0 {
		var way []string
		for _, d := range p.open[i:] {
			way = append(way, d.name)
		}
		p.problem(given.at, "files include each other: "+strings.Join(append(way, name), " -> "), "")
		return
	}
	if p.read == nil {
		p.problem(given.at, fmt.Sprintf("%s cannot be included: the report was not read from a folder", name), "")
		return
	}
	src, err := p.read(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		p.problem(given.at, fmt.Sprintf("%s cannot be included: %v", name, err), "the name is relative to this file")
		return
	}
	for _, d := range p.report.documents {
		if d.name == name {
			p.problem(given.at, name+" is included twice", "its cells would have the same names")
			return
		}
	}
	outer := p.doc
	p.enter(name, src)
	if _, _, _, ok := frontMatter(src); ok {
		p.problem(0, "an included file has no front matter", "the report's own counts; begin with the text")
	} else {
		p.body(src, 0)
	}
	p.open, p.doc = p.open[:len(p.open)-1], outer
}

// enter begins to read a file.
func (p *parsing) enter(name string, src []byte) {
	p.doc = &document{name: name, lines: indexLines(src)}
	p.open = append(p.open, p.doc)
	p.report.documents = append(p.report.documents, p.doc)
}
