package main

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"

	"tillflow/lib/notebook"
)

// reportWords completes the words after `dag report`: what to do, then a report file or the job that renders it, then for
// export a cell, and for --param the names of the page's parameters.
func (c *call) reportWords(fs *flag.FlagSet, before []string, last string) []string {
	plain, param := withoutFlags(fs, before)
	switch {
	case param:
		return begin(parameters(c.wordsReport(plain)), last)
	case len(plain) == 0:
		var words []string
		for _, v := range reportVerbs {
			words = append(words, v.word)
		}
		return begin(words, last)
	case plain[0] == "new":
		return nil
	case len(plain) == 1 || plain[0] == "validate":
		return begin(c.reportNames(last), last)
	case plain[0] == "export" && len(plain) == 2:
		if rep := c.wordsReport(plain); rep != nil {
			return begin(rep.Cells("chart", "table", "sql"), last)
		}
	}
	return nil
}

// withoutFlags gives the words that are neither flags nor their values; param tells that what comes next is a value of
// --param.
func withoutFlags(fs *flag.FlagSet, words []string) (plain []string, param bool) {
	for i := 0; i < len(words); i++ {
		name := strings.TrimLeft(words[i], "-")
		if !strings.HasPrefix(words[i], "-") || words[i] == "-" {
			plain = append(plain, words[i])
			continue
		}
		if fs.Lookup(name) != nil && !isSwitch(fs, words[i]) {
			i++
			param = i == len(words) && name == "param"
		}
	}
	return plain, param
}

// reportNames are the report files that begin with a word, those beside the dagfile, and the jobs that render some.
func (c *call) reportNames(word string) []string {
	var names []string
	if p, err := c.plan(); err == nil {
		for _, f := range c.reportsOf(p) {
			names = append(names, f.job, f.path)
		}
	}
	for _, pattern := range []string{word + "*.md", filepath.Join(c.dir(), "reports", "*.md"), word + "*/*.md"} {
		found, _ := filepath.Glob(pattern) // only a bad pattern is an error
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// wordsReport reads the report that a line names; nil when there is none, or it has mistakes.
func (c *call) wordsReport(plain []string) *notebook.Report {
	if len(plain) < 2 {
		return nil
	}
	f, err := c.reportFile(plain[1])
	if err != nil {
		return nil
	}
	rep, problems, err := f.open()
	if err != nil || len(problems) > 0 {
		return nil
	}
	return rep
}

func parameters(rep *notebook.Report) []string {
	if rep == nil {
		return nil
	}
	var names []string
	for _, p := range rep.Params() {
		names = append(names, p.Name+"=")
	}
	return names
}
