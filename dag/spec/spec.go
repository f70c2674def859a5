// Package spec reads dagfile.yaml. It reports every mistake of a file in one pass, each with its line, column and what
// was probably meant, since a pipeline is written by hand and a half-understood one must not run.
//
// What a job's `with` may hold depends on its `uses`; the caller hands in the known kinds, so that this package knows
// no job. The structs are the format: their tags decode the file, check it and describe it (the tag doc), and the JSON
// schema for editors is made from them.
package spec

import (
	"fmt"
	"slices"
	"time"

	"tillflow/lib/strictyaml"
)

// Spec is a dagfile. Problems with it are found by Parse; a Spec without problems can be planned.
type Spec struct {
	Version  int                         `yaml:"version" check:"required" doc:"version of the format: 1"`
	Name     string                      `yaml:"name" doc:"name of the pipeline, for people"`
	Timezone string                      `yaml:"timezone" doc:"IANA zone of cron lines and reports, such as Asia/Riyadh; UTC by default"`
	Services Services                    `yaml:"services" doc:"what the pipeline needs around it"`
	Defaults strictyaml.Map[JobDefaults] `yaml:"defaults" doc:"settings for groups of jobs, by pattern (ml.*, kind:batch, tag:x, uses:report); a job's own setting wins, then the first pattern that says it"`
	Pools    map[string]int              `yaml:"pools" doc:"named pools and their sizes: jobs of a pool run together only while their costs fit"`
	Notify   []Notify                    `yaml:"notify" doc:"who is told when something goes wrong or right again"`
	Jobs     strictyaml.Map[Job]         `yaml:"jobs" check:"required" doc:"the jobs by name: lower-case words parted by dots, such as ml.segmentation"`

	File     string         // where it was read from, as named by the user
	Location *time.Location // of Timezone
	root     strictyaml.Node
}

// Services are the things the pipeline needs around it.
type Services struct {
	Kafka    Kafka    `yaml:"kafka" doc:"the event log"`
	Postgres Postgres `yaml:"postgres" doc:"the database"`
	HTTP     HTTP     `yaml:"http" doc:"the server of reports and of the pipeline page"`
}

// Kafka names the brokers.
type Kafka struct {
	Brokers string `yaml:"brokers" doc:"embedded, embedded:PORT (0 is any free one) or host:port addresses parted by commas"`
}

// Postgres names the database.
type Postgres struct {
	URL string `yaml:"url" doc:"embedded, embedded:PORT (0 is any free one) or a postgres:// address"`
}

// reader is one reading of a dagfile.
type reader struct {
	*Spec
	kinds    map[string]Kind
	jobs     map[string]*Job
	names    []string // of the jobs, in the order of the file
	problems []strictyaml.Problem
}

// Parser reads dagfiles.
type Parser struct {
	Kinds  map[string]Kind
	Lookup func(name string) (string, bool)     // value of a ${VARIABLE}
	Path   func(path string) (msg, hint string) // what is wrong with a file that the dagfile names; nil: nobody looks
}

// Parse reads a dagfile, without a look at the files it names.
func Parse(file string, src []byte, kinds map[string]Kind, lookup func(string) (string, bool)) (*Spec, []strictyaml.Problem) {
	return Parser{Kinds: kinds, Lookup: lookup}.Parse(file, src)
}

// Parse reads a dagfile. The problems are in the order of the file; the Spec is sound only when there are none.
func (p Parser) Parse(file string, src []byte) (*Spec, []strictyaml.Problem) {
	s := &Spec{File: file, Location: time.UTC}
	root, ps := strictyaml.Decoder{File: file, Lookup: p.Lookup, Path: p.Path}.Parse(src)
	s.root = root
	if len(ps) > 0 {
		return s, ps
	}
	r := &reader{Spec: s, kinds: p.Kinds, jobs: map[string]*Job{}, problems: root.Decode(s)}
	r.names = s.Jobs.Keys()
	if s.Version != 0 && s.Version != 1 {
		r.at("this program reads version 1", []string{"version"}, "version %d is not known", s.Version)
	}
	s.Location = r.zone(s.Timezone, time.UTC, "timezone")
	for i := range s.Jobs.Entries {
		e := &s.Jobs.Entries[i]
		r.jobs[e.Key] = &e.Value
		r.kind(e)
	}
	r.pools()
	r.http()
	r.notify()
	r.defaults()
	for i := range s.Jobs.Entries {
		r.job(&s.Jobs.Entries[i])
	}
	strictyaml.Sort(r.problems)
	return s, r.problems
}

// at adds a problem at a key of the file.
func (r *reader) at(hint string, path []string, format string, args ...any) {
	r.problems = append(r.problems, r.Problem(fmt.Sprintf(format, args...), hint, path...))
}

// zone loads a time zone; def stands for an empty name and for one that is not known.
func (r *reader) zone(name string, def *time.Location, path ...string) *time.Location {
	if name == "" {
		return def
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // which would differ from machine to machine
		r.at("use a name such as Asia/Riyadh or UTC", path, "%q is not a time zone", name)
		return def
	}
	return loc
}

// Problem places a problem of later checks, such as a cycle, at a key of this file.
func (s *Spec) Problem(msg, hint string, path ...string) strictyaml.Problem {
	pos := s.root.At(path...)
	return strictyaml.Problem{File: s.File, Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint}
}

// below adds keys to a path without changing it.
func below(path []string, more ...string) []string {
	return append(slices.Clip(path), more...)
}
