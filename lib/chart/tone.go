package chart

import "strings"

// Tone is what a state means to a reader. Each has a colour and a shape of its own, and its word stands beside it.
type Tone string

// The tones.
const (
	Good Tone = "good" // done and well: a tick
	Bad  Tone = "bad"  // failed: an x
	Warn Tone = "warn" // needs a look: a triangle
	Busy Tone = "busy" // at work: an arrow to the right
	Idle Tone = "idle" // nothing to say of it: a bar
)

// Tones lists every tone, for a check of what a report file asks for.
func Tones() []Tone { return []Tone{Good, Bad, Warn, Busy, Idle} }

var toneWords = func() map[string]Tone {
	out := map[string]Tone{}
	for tone, words := range map[Tone]string{
		Good: "succeeded ok done passed live healthy current up",
		Bad:  "failed error broken down dead timed-out",
		Warn: "late stale warning held degraded retrying lagging",
		Busy: "running active started",
	} {
		for _, w := range strings.Fields(words) {
			out[w] = tone
		}
	}
	for _, t := range Tones() {
		out[string(t)] = t
	}
	return out
}()

// ToneOf is the tone of a word: of a state of a run, and of others that pages use. A word that is not known is Idle.
func ToneOf(state string) Tone {
	if t, ok := toneWords[strings.ToLower(strings.TrimSpace(state))]; ok {
		return t
	}
	return Idle
}

func (s Spec) tone(state string) Tone {
	if t, ok := s.Tones[state]; ok {
		return t
	}
	return ToneOf(state)
}

// class is the fill class of a tone.
func (t Tone) class() string {
	switch t {
	case Good, Bad, Warn, Busy:
		return "t" + string(t)
	}
	return "tidle"
}

func (t Tone) marker() marker {
	switch t {
	case Good:
		return tickMark
	case Bad:
		return exMark
	case Warn:
		return triangle
	case Busy:
		return play
	}
	return dash
}

// stateLegend lists states in the order they first appear, with the mark of their tone and how often they stand.
func (s Spec) stateLegend(states []string) (out []Entry) {
	at := map[string]int{}
	for _, state := range states {
		if state == "" {
			continue
		}
		i, ok := at[state]
		if !ok {
			i = len(out)
			at[state] = i
			t := s.tone(state)
			out = append(out, Entry{Name: state, Slot: Other, Class: t.class(), Mark: keyOf(t.marker(), t.class())})
		}
		out[i].Value++
	}
	return out
}

// countStates is the legend in words: "9 succeeded, 1 failed".
func (s Spec) countStates(states []string) string {
	var parts []string
	for _, e := range s.stateLegend(states) {
		parts = append(parts, Grouped(e.Value)+" "+isolate(e.Name))
	}
	const most = 6
	if len(parts) > most {
		parts = append(parts[:most], "and other states")
	}
	return strings.Join(parts, ", ")
}
