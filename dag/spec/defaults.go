package spec

import (
	"slices"
	"strings"
	"time"

	"tillflow/lib/strictyaml"
)

// JobDefaults are settings for a group of jobs. Each is taken as a whole: a job with retries of its own takes nothing
// from the group's retries. Streams take only timezone and tags, as they have no use for the rest.
type JobDefaults struct {
	Retries  Retries       `yaml:"retries" doc:"batch jobs: further attempts after a failure"`
	Timeout  time.Duration `yaml:"timeout" doc:"batch jobs: the longest an attempt may take"`
	Timezone string        `yaml:"timezone" doc:"IANA zone of the jobs' cron lines"`
	Overlap  string        `yaml:"overlap" check:"oneof=skip|queue|replace" doc:"batch jobs: what happens when the gate opens while a run is in hand"`
	Pool     string        `yaml:"pool" doc:"batch jobs: the pool whose places a run takes"`
	Cost     int           `yaml:"cost" doc:"places of the pool that a run takes"`
	Tags     []string      `yaml:"tags" doc:"labels for jobs that have none of their own"`
}

// defaults checks the groups and gives their settings to the jobs that do not say otherwise.
func (r *reader) defaults() {
	if r.Defaults.Len() == 0 {
		return
	}
	groups, jobs := r.root.Values()["defaults"].Values(), r.root.Values()["jobs"].Values()
	said := map[string]map[string]bool{} // by the job itself or by an earlier pattern
	for name, n := range jobs {
		said[name] = map[string]bool{}
		for _, key := range n.Keys() {
			said[name][key] = true
		}
	}
	for i := range r.Defaults.Entries {
		e := &r.Defaults.Entries[i]
		path, sound := []string{"defaults", e.Key}, len(r.problems)
		r.zone(e.Value.Timezone, time.UTC, below(path, "timezone")...)
		r.retries(e.Value.Retries, path)
		r.tags(e.Value.Tags, path)
		r.pool(e.Value.Pool, e.Value.Cost, path)
		good, found := len(r.problems) == sound, false // what is wrong is reported once, not again for each job
		for k := range r.Jobs.Entries {
			j := &r.Jobs.Entries[k]
			if !Match(e.Key, j.Key, &j.Value) {
				continue
			}
			found = true
			for _, key := range groups[e.Key].Keys() {
				if good && !said[j.Key][key] && e.Value.give(key, &j.Value) {
					said[j.Key][key] = true
				}
			}
		}
		if !found && len(r.names) > 0 {
			r.unmatched(e.Key, path)
		}
	}
}

// unmatched reports a pattern that means no job, and what was probably meant.
func (r *reader) unmatched(pattern string, path []string) {
	method, value, ok := strings.Cut(pattern, ":")
	switch methods := []string{"kind", "tag", "uses"}; {
	case !ok:
		r.at(strictyaml.Suggest(pattern, r.names), path, "no job matches %q", pattern)
	case !slices.Contains(methods, method):
		r.at(strictyaml.SuggestOrList(method, methods), path, "%q is no way to match jobs", method+":")
	case method == "kind" && !slices.Contains(KindWords, value):
		r.at(strictyaml.SuggestOrList(value, KindWords), path, "%q is no kind of job", value)
	default:
		r.at("", path, "no job matches %q", pattern)
	}
}

// give sets one key of a job and tells whether the job has a use for it.
func (d *JobDefaults) give(key string, j *Job) bool {
	if j.Kind.Stream && key != "timezone" && key != "tags" {
		return false
	}
	switch key {
	case "retries":
		j.Retries = d.Retries
	case "timeout":
		j.Timeout = d.Timeout
	case "timezone":
		j.Timezone = d.Timezone
	case "overlap":
		j.Overlap = d.Overlap
	case "pool":
		j.Pool = d.Pool
	case "cost":
		j.Cost = d.Cost
	case "tags":
		j.Tags = d.Tags
	}
	return true
}

// Match tells whether a pattern means a job: its name with * for any text, kind:stream, kind:batch, kind:report,
// kind:check, uses:KIND or tag:TAG, where KIND and TAG may hold * as well.
func Match(pattern, name string, j *Job) bool {
	what, rest, ok := strings.Cut(pattern, ":")
	if !ok {
		return glob(pattern, name)
	}
	switch what {
	case "kind":
		return rest == "stream" && j.Kind.Stream || rest == "batch" && !j.Kind.Stream || rest == "report" && j.Kind.Report || rest == "check" && j.Kind.Check
	case "uses":
		return glob(rest, j.Uses)
	case "tag":
		for _, tag := range j.Tags {
			if glob(rest, tag) {
				return true
			}
		}
	}
	return false
}

// glob matches a name against a pattern in which each * stands for any text.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}
