// Package spec reads dagfile.yaml. It reports every mistake of a file in one pass, each with its line, column and what
// was probably meant, since a pipeline is written by hand and a half-understood one must not run.
//
// What a job's `with` may hold depends on its `uses`; the caller hands in the known kinds, so that this package knows
// no job.
package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillflow/lib/strictyaml"
)

// Spec is a dagfile. Problems with it are found by Parse; a Spec without problems can be planned.
type Spec struct {
	Version  int                 `yaml:"version" check:"required"` // of the format; 1
	Name     string              `yaml:"name"`                     // of the pipeline, for people
	Timezone string              `yaml:"timezone"`                 // IANA zone for schedules and reports; UTC by default
	Services Services            `yaml:"services"`
	Jobs     strictyaml.Map[Job] `yaml:"jobs" check:"required"`
	File     string              // where it was read from, as named by the user
	Location *time.Location      // of Timezone
	places   map[string]strictyaml.Node
}

// Services are the things the pipeline needs around it.
type Services struct {
	Kafka    Kafka    `yaml:"kafka"`
	Postgres Postgres `yaml:"postgres"`
	HTTP     HTTP     `yaml:"http"`
}

// Kafka names the brokers: "embedded", "embedded:PORT" or host:port addresses parted by commas.
type Kafka struct {
	Brokers string `yaml:"brokers"`
}

// Postgres names the database: "embedded", "embedded:PORT" or a postgres:// address.
type Postgres struct {
	URL string `yaml:"url"`
}

// HTTP is where the reports are served; without it nothing is.
type HTTP struct {
	Listen string `yaml:"listen"`
}

// Job is one node of the graph.
type Job struct {
	Uses    string          `yaml:"uses" check:"required"` // the kind, which decides what `with` may hold
	Needs   []string        `yaml:"needs"`                 // jobs that must be live (streams) or have succeeded (batch jobs)
	With    strictyaml.Node `yaml:"with"`
	When    *When           `yaml:"when"`    // batch jobs: the gate; without one the job runs once, at the start
	Retries Retries         `yaml:"retries"` // batch jobs
	Timeout time.Duration   `yaml:"timeout"` // batch jobs: of one attempt; none by default

	Kind Kind `yaml:"-"` // of Uses
	Args any  `yaml:"-"` // With, decoded into what Kind.With gave
}

// Retries says how often a failed attempt is tried again.
type Retries struct {
	Max     int           `yaml:"max"`     // further attempts; 0 by default
	Backoff time.Duration `yaml:"backoff"` // before the first retry, doubled for each further one; 1s by default
}

// When is a gate: a batch job is due when it is true. Conditions side by side must all hold.
type When struct {
	Every       time.Duration `yaml:"every"`        // so long since the last run began
	Cron        string        `yaml:"cron"`         // a cron line in the pipeline's zone, seconds first if it has six fields
	Rows        int64         `yaml:"rows"`         // so many rows of the stream `of` since the last successful run
	Of          string        `yaml:"of"`           // the stream that rows, lag_below and fresh_within look at
	LagBelow    *int64        `yaml:"lag_below"`    // fewer messages than this wait in the log
	FreshWithin time.Duration `yaml:"fresh_within"` // the stream's watermark is at most so old
	Any         []When        `yaml:"any"`          // one of these
	All         []When        `yaml:"all"`          // all of these
	Not         *When         `yaml:"not"`
	MinGap      time.Duration `yaml:"min_gap"` // at least so long since the last run ended
}

// Kind is what the caller knows about a `uses`.
type Kind struct {
	Stream bool       // a desired state, not an end
	Report bool       // renders what the others wrote; runs last where an order is asked for
	With   func() any // a pointer to a fresh struct for `with`
}

// Parse reads a dagfile. lookup gives the value of a ${VARIABLE}. The problems are in the order of the file; the Spec
// is sound only when there are none.
func Parse(file string, src []byte, kinds map[string]Kind, lookup func(string) (string, bool)) (*Spec, []strictyaml.Problem) {
	s := &Spec{File: file, Location: time.UTC}
	root, ps := strictyaml.Decoder{File: file, Lookup: lookup}.Parse(src)
	if len(ps) > 0 {
		return s, ps
	}
	ps = root.Decode(s)
	at := func(msg, hint string, path ...string) {
		pos := root.At(path...)
		ps = append(ps, strictyaml.Problem{File: file, Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	if s.Version != 0 && s.Version != 1 {
		at(fmt.Sprintf("version %d is not known", s.Version), "this program reads version 1", "version")
	}
	if loc, err := time.LoadLocation(s.Timezone); err != nil {
		at(fmt.Sprintf("%q is not a time zone", s.Timezone), "use a name such as Asia/Riyadh or UTC", "timezone")
	} else {
		s.Location = loc
	}
	for i := range s.Jobs.Entries {
		e := &s.Jobs.Entries[i]
		if !jobName.MatchString(e.Key) {
			at(fmt.Sprintf("%q is not a job name", e.Key), "use lower-case words parted by dots, such as ml.segmentation", "jobs", e.Key)
		}
		ps = append(ps, s.job(e, kinds, at)...)
	}
	strictyaml.Sort(ps)
	s.places = map[string]strictyaml.Node{"": root}
	return s, ps
}

var jobName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$`)

// Problem places a problem of later checks, such as a cycle, at a key of this file.
func (s *Spec) Problem(msg, hint string, path ...string) strictyaml.Problem {
	pos := s.places[""].At(path...)
	return strictyaml.Problem{File: s.File, Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint}
}

// job checks one job against its kind and the other jobs.
func (s *Spec) job(e *strictyaml.Entry[Job], kinds map[string]Kind, at func(msg, hint string, path ...string)) []strictyaml.Problem {
	name, j := e.Key, &e.Value
	var ps []strictyaml.Problem
	if j.Uses != "" {
		kind, ok := kinds[j.Uses]
		if !ok {
			names := slices.Sorted(maps.Keys(kinds))
			hint := strictyaml.Suggest(j.Uses, names)
			if hint == "" {
				hint = "allowed: " + strings.Join(names, ", ")
			}
			at(fmt.Sprintf("job %q uses %q, which is no kind of job", name, j.Uses), hint, "jobs", name, "uses")
		} else {
			j.Kind, j.Args = kind, kind.With()
			ps = s.with(e)
		}
	}
	others := slices.DeleteFunc(s.Jobs.Keys(), func(k string) bool { return k == name })
	for i, need := range j.Needs {
		idx := fmt.Sprint(i)
		switch {
		case need == name:
			at(fmt.Sprintf("job %q needs itself", name), "", "jobs", name, "needs", idx)
		case slices.Contains(j.Needs[:i], need):
			at(fmt.Sprintf("job %q needs %q twice", name, need), "", "jobs", name, "needs", idx)
		case !slices.Contains(others, need):
			at(fmt.Sprintf("job %q needs %q, which no job is called", name, need), strictyaml.Suggest(need, others), "jobs", name, "needs", idx)
		}
	}
	if j.Kind.Stream {
		for key, set := range map[string]bool{"when": j.When != nil, "timeout": j.Timeout != 0, "retries": j.Retries != Retries{}} {
			if set {
				at(fmt.Sprintf("job %q is a stream, which has no %q: it runs all the time and restarts by itself", name, key), "", "jobs", name, key)
			}
		}
	}
	if j.When != nil {
		s.gate(j.When, kinds, at, "jobs", name, "when")
	}
	if j.Retries.Max < 0 || j.Retries.Max > 100 {
		at("max must be from 0 to 100", "", "jobs", name, "retries", "max")
	}
	return ps
}

// with decodes what the kind asks for. A job without `with` is decoded from an empty mapping, so that a required
// key is missed all the same.
func (s *Spec) with(e *strictyaml.Entry[Job]) []strictyaml.Problem {
	n := e.Value.With
	if n.IsZero() {
		ps := strictyaml.Decode(s.File, nil, 0, e.Value.Args)
		for i := range ps {
			ps[i].Line, ps[i].Col = e.Pos.Line, e.Pos.Col
			ps[i].Msg = fmt.Sprintf("job %q has no `with`: %s", e.Key, ps[i].Msg)
		}
		return ps
	}
	return n.Decode(e.Value.Args)
}

// gate checks one level of a gate and those below it.
func (s *Spec) gate(w *When, kinds map[string]Kind, at func(msg, hint string, path ...string), path ...string) {
	sub := func(more ...string) []string { return append(slices.Clone(path), more...) }
	if w.Rows < 0 {
		at("rows must be 1 or more", "", sub("rows")...)
	}
	looks := w.Rows != 0 || w.LagBelow != nil || w.FreshWithin != 0
	if looks && w.Of == "" {
		at("rows, lag_below and fresh_within look at a stream, which `of` must name", `such as { rows: 1000, of: stream.transactions }`, path...)
	}
	if w.Of != "" {
		j, ok := s.Jobs.Get(w.Of)
		switch {
		case !ok:
			at(fmt.Sprintf("the gate looks at %q, which no job is called", w.Of), strictyaml.Suggest(w.Of, s.Jobs.Keys()), sub("of")...)
		case kinds[j.Uses].With != nil && !kinds[j.Uses].Stream:
			at(fmt.Sprintf("job %q is not a stream: only a stream has rows, lag and a watermark", w.Of), "", sub("of")...)
		case !looks:
			at("`of` stands alone", "add rows, lag_below or fresh_within", sub("of")...)
		}
	}
	if !looks && w.Every == 0 && w.Cron == "" && len(w.Any) == 0 && len(w.All) == 0 && w.Not == nil {
		at("a gate needs a condition", "one of every, cron, rows, lag_below, fresh_within, any, all, not", path...)
	}
	for i := range w.Any {
		s.gate(&w.Any[i], kinds, at, sub("any", fmt.Sprint(i))...)
	}
	for i := range w.All {
		s.gate(&w.All[i], kinds, at, sub("all", fmt.Sprint(i))...)
	}
	if w.Not != nil {
		s.gate(w.Not, kinds, at, sub("not")...)
	}
}
