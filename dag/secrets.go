package main

import (
	"maps"
	"os"

	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/lib/secret"
)

// hideSecrets says what logs, errors and the history of runs must not show: the secrets of the environment, and the
// password in an address that the dagfile itself names. What a person asks for by name is shown: the rows of `dag sql`, and
// `dag env --secrets`.
func (c *call) hideSecrets(address string) {
	secrets := secret.In(append(os.Environ(), "="+address))
	if c.hidden == nil {
		c.hidden = secret.Hide(secrets)
	} else {
		c.hidden.Add(secrets)
	}
}

// hideParams does so for parameters of a run that are named like secrets. dag.runs has their values, since a retry and
// a run that another process goes on with need them; nothing but SQL on that table shows them.
func (c *call) hideParams(params map[string]string) {
	var named []string
	for k, v := range params {
		named = append(named, k+"="+v)
	}
	c.hidden.Add(secret.In(named))
}

// withoutSecrets are parameters as anybody may read them: one that is named like a secret has no value.
func withoutSecrets(params map[string]string) map[string]string {
	out := maps.Clone(params)
	for k := range out {
		if secret.Named(k) {
			out[k] = "***"
		}
	}
	return out
}

// shownRuns are runs as anybody may read them.
func shownRuns(runs []run.Run) []run.Run {
	out := make([]run.Run, len(runs)) // a list without entries is one, not null
	for i, r := range runs {
		r.Params = withoutSecrets(r.Params)
		out[i] = r
	}
	return out
}

// shownStatus is what a job does, as anybody may read it.
func shownStatus(s runner.Status) runner.Status {
	s.Last.Params = withoutSecrets(s.Last.Params)
	return s
}

func shownStatuses(all []runner.Status) []runner.Status {
	for i, s := range all {
		all[i] = shownStatus(s)
	}
	return all
}

// shownEvent is an event as anybody may read it.
func shownEvent(e runner.Event) runner.Event {
	if e.Result != nil {
		e.Result = &shownRuns([]run.Run{*e.Result})[0]
	}
	return e
}
