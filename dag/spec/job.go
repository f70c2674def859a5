package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"tillflow/lib/strictyaml"
)

// Job is one node of the graph.
type Job struct {
	Uses        string          `yaml:"uses" check:"required" doc:"the kind of job, which decides what with may hold"`
	Needs       []Need          `yaml:"needs" doc:"jobs that must be in order first: streams live, batch jobs succeeded"`
	With        strictyaml.Node `yaml:"with" doc:"settings of this kind of job"`
	When        *When           `yaml:"when" doc:"batch jobs: the gate that opens a run; without one the job runs once, at the start"`
	Tags        []string        `yaml:"tags" doc:"labels to choose jobs by: tag:nightly"`
	Timezone    string          `yaml:"timezone" doc:"IANA zone of this job's cron lines; the pipeline's by default"`
	Rule        string          `yaml:"rule" check:"oneof=all-success|all-done|one-failed|finally" doc:"batch jobs: which outcomes of the needed jobs let it run; all-success by default. finally runs after all of them and hides no failure"`
	Retries     Retries         `yaml:"retries" doc:"batch jobs: further attempts after a failure"`
	Timeout     time.Duration   `yaml:"timeout" doc:"batch jobs: the longest an attempt may take; no limit by default"`
	Overlap     string          `yaml:"overlap" check:"oneof=skip|queue|replace" doc:"batch jobs: what happens when the gate opens while a run is in hand: skip it (default), queue one, or replace the run in hand"`
	Pool        string          `yaml:"pool" doc:"batch jobs: the pool whose places a run takes"`
	Cost        int             `yaml:"cost" doc:"places of the pool that a run takes; 1 by default"`
	Restarts    Restarts        `yaml:"restarts" doc:"streams: how many restarts are too many"`
	SlowAfter   time.Duration   `yaml:"slow_after" doc:"batch jobs: alert when a run takes longer than this"`
	OpensWithin time.Duration   `yaml:"opens_within" doc:"batch jobs: alert when the gate has not opened for so long"`

	Kind     Kind           `yaml:"-"` // of Uses
	Args     any            `yaml:"-"` // With, decoded into what Kind.With gave
	Location *time.Location `yaml:"-"` // of Timezone; the pipeline's without one
}

// Retries says how often a failed attempt is tried again.
type Retries struct {
	Max        int           `yaml:"max" doc:"further attempts, from 0 (default) to 100"`
	Backoff    time.Duration `yaml:"backoff" doc:"pause before the first retry, doubled for each further one; 1s by default"`
	MaxBackoff time.Duration `yaml:"max_backoff" doc:"the longest pause; 5m by default"`
}

// Restarts is a stream's budget: one that restarts more than Max times Within is crash-looped, and tried again only after
// so long.
type Restarts struct {
	Max    int           `yaml:"max" doc:"restarts that are still accepted, 10 by default; -1 for no limit"`
	Within time.Duration `yaml:"within" doc:"the time in which they are counted; 10m by default"`
}

// Kind is what the caller knows about a `uses`.
type Kind struct {
	Stream bool       // a desired state, not an end
	Report bool       // renders what the others wrote; runs last where an order is asked for
	Check  bool       // judges data; gates may ask for its last result
	With   func() any // a pointer to a fresh struct for `with`
}

// KindWords are the words after kind: in a pattern.
var KindWords = []string{"stream", "batch", "report", "check"}

// Word names the kind as selectors and pictures do.
func (k Kind) Word() string {
	switch {
	case k.Stream:
		return "stream"
	case k.Report:
		return "report"
	case k.Check:
		return "check"
	default:
		return "batch"
	}
}

// Need is an edge: a job that must be in order first. In the file it is a name, or { job: NAME, is: STATE }.
type Need struct {
	Job string `yaml:"job" check:"required" doc:"a job's name"`
	Is  string `yaml:"is" check:"oneof=live|fresh|caught-up" doc:"streams: what it must be; live by default"`
}

// DecodeNode reads either form.
func (n *Need) DecodeNode(node strictyaml.Node) []strictyaml.Problem {
	if name, ok := node.Scalar(); ok {
		n.Job = name
		return nil
	}
	type mapping Need // without this method
	return node.Decode((*mapping)(n))
}

// String is "stream.orders" or "stream.orders caught-up".
func (n Need) String() string {
	if n.Is == "" {
		return n.Job
	}
	return n.Job + " " + n.Is
}

// The values that stand for an empty one in the file; Parse fills them in.
const (
	defaultRule           = "all-success"
	defaultOverlap        = "skip"
	defaultCatchUp        = "latest"
	defaultCatchUpMax     = 100
	defaultRestarts       = 10
	defaultRestartsWithin = 10 * time.Minute
)

var jobName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$`)

// kind finds what a job uses, before any job is checked: the checks of one look at the kinds of others.
func (r *reader) kind(e *strictyaml.Entry[Job]) {
	if e.Value.Uses == "" {
		return
	}
	kind, ok := r.kinds[e.Value.Uses]
	if !ok {
		r.at(strictyaml.SuggestOrList(e.Value.Uses, slices.Sorted(maps.Keys(r.kinds))), []string{"jobs", e.Key, "uses"},
			"job %q uses %q, which is no kind of job", e.Key, e.Value.Uses)
		return
	}
	e.Value.Kind = kind
}

// job checks one job against its kind and the other jobs, and fills in what it does not say.
func (r *reader) job(e *strictyaml.Entry[Job]) {
	name, j, path := e.Key, &e.Value, []string{"jobs", e.Key}
	if !jobName.MatchString(name) {
		r.at("use lower-case words parted by dots, such as ml.segmentation", path, "%q is not a job name", name)
	}
	if j.Kind.With != nil {
		j.Args = j.Kind.With()
		r.with(e)
	}
	j.Location = r.zone(j.Timezone, r.Location, "jobs", name, "timezone")
	r.needs(name, j)
	r.fits(name, j)
	r.tags(j.Tags, path)
	if !j.Kind.Stream {
		r.pool(j.Pool, j.Cost, path)
	}
	r.retries(j.Retries, path)
	if j.When != nil {
		r.gate(name, j.When, "jobs", name, "when")
	}
	j.fill()
}

// fill gives what the file leaves out.
func (j *Job) fill() {
	j.Rule = or(j.Rule, defaultRule)
	j.Overlap = or(j.Overlap, defaultOverlap)
	j.Cost = or(j.Cost, 1)
	if j.Kind.Stream {
		j.Restarts.Max = or(j.Restarts.Max, defaultRestarts)
		j.Restarts.Within = or(j.Restarts.Within, defaultRestartsWithin)
	}
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// with decodes what the kind asks for. A job without `with` is decoded from an empty mapping, so that a required
// key is missed all the same.
func (r *reader) with(e *strictyaml.Entry[Job]) {
	n := e.Value.With
	if !n.IsZero() {
		if len(e.Value.Needs) > 0 { // one of them may make what this job reads
			n = n.InputsLater()
		}
		r.problems = append(r.problems, n.Decode(e.Value.Args)...)
		return
	}
	ps := strictyaml.Decode(r.File, nil, 0, e.Value.Args)
	for i := range ps {
		ps[i].Line, ps[i].Col = e.Pos.Line, e.Pos.Col
		ps[i].Msg = fmt.Sprintf("job %q has no `with`: %s", e.Key, ps[i].Msg)
	}
	r.problems = append(r.problems, ps...)
}

func (r *reader) needs(name string, j *Job) {
	seen := map[string]bool{}
	for i, need := range j.Needs {
		path := []string{"jobs", name, "needs", fmt.Sprint(i)}
		up, known := r.jobs[need.Job]
		switch {
		case need.Job == "": // reported by the decoder
		case need.Job == name:
			r.at("", path, "job %q needs itself", name)
		case seen[need.Job]:
			r.at("", path, "job %q needs %q twice", name, need.Job)
		case !known:
			r.at(strictyaml.Suggest(need.Job, r.others(name)), path, "job %q needs %q, which no job is called", name, need.Job)
		case need.Is != "" && up.Kind.With != nil && !up.Kind.Stream:
			r.at("a batch job must have succeeded; name it alone", below(path, "is"), "job %q is not a stream: it cannot be %s", need.Job, need.Is)
		}
		seen[need.Job] = true
	}
}

// others are the names of the jobs but one.
func (r *reader) others(name string) []string {
	return slices.DeleteFunc(slices.Clone(r.names), func(k string) bool { return k == name })
}

// batchKeys are the keys that a stream has no use for.
var batchKeys = []string{"when", "timeout", "retries", "rule", "overlap", "pool", "cost", "slow_after", "opens_within"}

// fits reports keys that this kind of job has no use for.
func (r *reader) fits(name string, j *Job) {
	if j.Kind.With == nil {
		return
	}
	unfit := func(set bool, key, why string) {
		if set {
			what := "a batch job"
			if j.Kind.Stream {
				what = "a stream"
			}
			r.at("", []string{"jobs", name, key}, "job %q is %s, which has no %q: %s", name, what, key, why)
		}
	}
	if !j.Kind.Stream {
		unfit(j.Restarts != Restarts{}, "restarts", "it ends by itself and has retries")
		if j.When == nil && j.OpensWithin != 0 {
			r.at("write when", []string{"jobs", name, "opens_within"}, "job %q has no gate that could open", name)
		}
		return
	}
	set := []bool{
		j.When != nil, j.Timeout != 0, j.Retries != Retries{}, j.Rule != "", j.Overlap != "", j.Pool != "", j.Cost != 0,
		j.SlowAfter != 0, j.OpensWithin != 0,
	}
	for i, key := range batchKeys {
		unfit(set[i], key, "it runs all the time and restarts by itself")
	}
	if j.Restarts.Max < -1 || j.Restarts.Max > 1_000_000 {
		r.at("-1 is no limit", []string{"jobs", name, "restarts", "max"}, "max must be 1 or more")
	}
}

func (r *reader) retries(t Retries, path []string) {
	if t.Max < 0 || t.Max > 100 {
		r.at("", below(path, "retries", "max"), "max must be from 0 to 100")
	}
	if t.MaxBackoff != 0 && t.MaxBackoff < t.Backoff {
		r.at("", below(path, "retries", "max_backoff"), "max_backoff %s is shorter than backoff %s",
			strictyaml.FormatDuration(t.MaxBackoff), strictyaml.FormatDuration(t.Backoff))
	}
}

var tagName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

func (r *reader) tags(tags []string, path []string) {
	for i, tag := range tags {
		if !tagName.MatchString(tag) {
			r.at("use letters, digits, dots and dashes, such as nightly", below(path, "tags", fmt.Sprint(i)), "%q is not a tag", tag)
		}
	}
}
