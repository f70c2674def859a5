package notebook

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"tillflow/lib/strictyaml"
)

// document is one file of a report: the report file itself, or one it includes.
type document struct {
	name  string // as problems name it: relative to the folder given to Open
	lines lineIndex
}

// Open reads the report file, and what it includes, from a folder. file is relative to dir, or absolute. All problems come
// at once; the report is of use only when there are none. The error is about the report file itself: it cannot be read.
func Open(dir, file string) (*Report, []strictyaml.Problem, error) {
	read := func(name string) ([]byte, error) { return os.ReadFile(fileIn(dir, name)) }
	src, err := read(file)
	if err != nil {
		return nil, nil, err
	}
	r, problems := parse(file, src, read)
	return r, problems, nil
}

func fileIn(dir, name string) string {
	if name = filepath.FromSlash(name); filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// Files lists the report file and those it includes, as given to Open.
func (r *Report) Files() []string {
	var names []string
	for _, d := range r.documents {
		names = append(names, d.name)
	}
	return names
}

// Current tells whether the files of the report still are what Open read from dir.
func (r *Report) Current(dir string) bool {
	return !slices.ContainsFunc(r.documents, func(d *document) bool {
		src, err := os.ReadFile(fileIn(dir, d.name))
		return err != nil || !bytes.Equal(src, d.lines.src)
	})
}

// beside is the name of a file that is named relative to the file it stands in.
func (d *document) beside(name string) string {
	return path.Join(path.Dir(filepath.ToSlash(d.name)), name)
}

// lineIndex finds lines and columns in a text.
type lineIndex struct {
	src    []byte
	starts []int // offset of each line's first byte
}

func indexLines(src []byte) lineIndex {
	x := lineIndex{src: src, starts: []int{0}}
	for i, b := range src {
		if b == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	return x
}

// pos gives line and column, both 1-based, of a byte offset. Columns count letters, not bytes.
func (x lineIndex) pos(offset int) strictyaml.Pos {
	offset = max(0, min(offset, len(x.src)))
	lo, hi := 0, len(x.starts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; x.starts[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return strictyaml.Pos{Line: lo + 1, Col: utf8.RuneCount(x.src[x.starts[lo]:offset]) + 1}
}

// line gives the text of a line, without its end.
func (x lineIndex) line(n int) string {
	if n < 1 || n > len(x.starts) {
		return ""
	}
	end := len(x.src)
	if n < len(x.starts) {
		end = x.starts[n] - 1
	}
	s := string(x.src[x.starts[n-1]:end])
	if len(s) > 0 && s[len(s)-1] == '\r' {
		s = s[:len(s)-1]
	}
	return s
}
