package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tillflow/lib/strictyaml"
)

// When is a gate: a batch job is due when it is true. Conditions side by side must all hold.
type When struct {
	Every       time.Duration `yaml:"every" doc:"so long since the last run began"`
	Cron        string        `yaml:"cron" doc:"a cron line in the job's zone: minute hour day month weekday, seconds first if it has six fields; or @daily and the like"`
	CatchUp     string        `yaml:"catch_up" check:"oneof=none|latest|all" doc:"cron: what to run for ticks missed while nothing ran: none, the latest (default) or all of them"`
	CatchUpMax  int           `yaml:"catch_up_max" doc:"catch_up all: the most missed ticks that are run, 100 by default; those left out are reported"`
	Rows        int64         `yaml:"rows" doc:"so many rows of the stream in of since the last successful run"`
	Of          string        `yaml:"of" doc:"the stream that rows, watermark, lag_below, fresh_within and debounce look at"`
	Watermark   time.Duration `yaml:"watermark" doc:"the stream's watermark has passed a further multiple of this, such as 1h for each full hour, since the last successful run"`
	LagBelow    *int64        `yaml:"lag_below" doc:"fewer messages than this wait in the log"`
	FreshWithin time.Duration `yaml:"fresh_within" doc:"the stream's watermark is at most so old"`
	Checks      []string      `yaml:"checks" doc:"check jobs whose last result must be a pass"`
	After       []string      `yaml:"after" doc:"batch jobs that have succeeded since this job's last run began"`
	Any         []When        `yaml:"any" doc:"one of these holds"`
	All         []When        `yaml:"all" doc:"all of these hold"`
	Not         *When         `yaml:"not" doc:"this does not hold"`
	MinGap      time.Duration `yaml:"min_gap" doc:"at least so long since the last run ended"`
	Debounce    time.Duration `yaml:"debounce" doc:"the other conditions have held for so long, with no further rows of the stream in of"`
}

var conditions = []string{"every", "cron", "rows", "watermark", "lag_below", "fresh_within", "checks", "after", "any", "all", "not"}

// gate checks one level of the gate of a job, and those below it, and fills in what it does not say.
func (r *reader) gate(job string, w *When, path ...string) {
	if w.Rows < 0 {
		r.at("", below(path, "rows"), "rows must be 1 or more")
	}
	if w.LagBelow != nil && *w.LagBelow < 1 {
		r.at("a lag is never below 0", below(path, "lag_below"), "lag_below must be 1 or more")
	}
	looks := w.Rows != 0 || w.Watermark != 0 || w.LagBelow != nil || w.FreshWithin != 0
	r.of(w, looks, path)
	if !looks && w.Every == 0 && w.Cron == "" && len(w.Checks) == 0 && len(w.After) == 0 && len(w.Any) == 0 && len(w.All) == 0 && w.Not == nil {
		r.idle(path)
	}
	r.catchUp(w, path)
	r.named(job, "checks", w.Checks, path)
	r.named(job, "after", w.After, path)
	for i := range w.Any {
		r.gate(job, &w.Any[i], below(path, "any", fmt.Sprint(i))...)
	}
	for i := range w.All {
		r.gate(job, &w.All[i], below(path, "all", fmt.Sprint(i))...)
	}
	if w.Not != nil {
		r.gate(job, w.Not, below(path, "not")...)
	}
}

// idle reports a gate without a condition, unless one is written that could not be read and is reported already.
func (r *reader) idle(path []string) {
	node := r.root.Get(path...)
	for _, key := range node.Keys() {
		v := node.Get(key)
		text, single := v.Scalar()
		says := single && text != "0" || v.IsMap() || v.IsList() && !v.Get("0").IsZero()
		if slices.Contains(conditions, key) && says {
			return
		}
	}
	if node.IsMap() {
		r.at("one of "+strings.Join(conditions, ", "), path, "a gate needs a condition")
	}
}

// of checks the stream that a gate looks at.
func (r *reader) of(w *When, looks bool, path []string) {
	if looks && w.Of == "" {
		r.at("such as { rows: 1000, of: stream.transactions }", path, "rows, watermark, lag_below and fresh_within look at a stream, which `of` must name")
	}
	if w.Of == "" {
		return
	}
	j, ok := r.jobs[w.Of]
	switch {
	case !ok:
		r.at(strictyaml.Suggest(w.Of, r.names), below(path, "of"), "the gate looks at %q, which no job is called", w.Of)
	case j.Kind.With != nil && !j.Kind.Stream:
		r.at("", below(path, "of"), "job %q is not a stream: only a stream has rows, lag and a watermark", w.Of)
	case !looks && w.Debounce == 0:
		r.at("add rows, watermark, lag_below, fresh_within or debounce", below(path, "of"), "`of` stands alone")
	}
}

// catchUp checks what to do with missed ticks, which only a cron line has.
func (r *reader) catchUp(w *When, path []string) {
	switch {
	case w.Cron == "" && w.CatchUp != "":
		r.at("every and the conditions on data look at the last run, not at ticks", below(path, "catch_up"), "catch_up goes with cron")
	case w.CatchUpMax != 0 && w.CatchUp != "all":
		r.at("", below(path, "catch_up_max"), "catch_up_max goes with catch_up: all")
	case w.CatchUpMax < 0:
		r.at("", below(path, "catch_up_max"), "catch_up_max must be 1 or more")
	}
	if w.Cron != "" {
		w.CatchUp = or(w.CatchUp, defaultCatchUp)
	}
	if w.CatchUp == "all" {
		w.CatchUpMax = or(w.CatchUpMax, defaultCatchUpMax)
	}
}

// named checks the jobs that `checks` and `after` name.
func (r *reader) named(job, key string, names []string, path []string) {
	for i, name := range names {
		at := below(path, key, fmt.Sprint(i))
		j, ok := r.jobs[name]
		switch {
		case !ok:
			r.at(strictyaml.Suggest(name, r.others(job)), at, "the gate looks at %q, which no job is called", name)
		case name == job:
			r.at("", at, "the gate of %q looks at the job itself", job)
		case j.Kind.With == nil: // its kind is not known, which is a problem of its own
		case key == "checks" && !j.Kind.Check:
			r.at("name a job that `uses: check`", at, "job %q is not a check", name)
		case key == "after" && j.Kind.Stream:
			r.at("write needs, or a condition with of", at, "job %q is a stream, which never ends: nothing comes after it", name)
		}
	}
}
