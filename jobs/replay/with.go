package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/csvfile"
	"tillflow/lib/event"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a replay.
type With struct {
	File       string                `yaml:"file" check:"required,input" doc:"a CSV file, or one packed by gzip; relative to the folder of the dagfile"`
	Topic      string                `yaml:"topic" check:"required" doc:"the Kafka topic that is written"`
	Partitions int                   `yaml:"partitions" doc:"of the topic, when it has to be made; default 2"`
	Fields     strictyaml.Map[Field] `yaml:"fields" check:"required" doc:"field of the JSON message -> column of the file"`
	Key        string                `yaml:"key" doc:"the field whose value is the message's key; without one rows go to the partitions in turn"`
	Time       string                `yaml:"time" doc:"the timestamp field that is the event's time, for speed and shift"`
	Rate       strictyaml.Rate       `yaml:"rate" doc:"events written, such as 100/s; as fast as they are taken by default"`
	Speed      Speed                 `yaml:"speed" doc:"how fast the recorded time passes, such as 10x"`
	Shift      Shift                 `yaml:"shift" doc:"what is added to every timestamp: first-to-now, last-to-now, or a time such as 30d or -2h"`
	ID         string                `yaml:"id" doc:"names this replay in the log; another name plays the file again; default: the job's name"`
}

// Field is where a field of the message comes from. In the dagfile it is the name of a column, whose cells are text, or a
// mapping.
type Field struct {
	Column string       `yaml:"column" doc:"of the file"`
	Type   csvfile.Type `yaml:"type" doc:"int64, float64, decimal(p,s), string, bool, timestamp or date; string by default"`
	Row    bool         `yaml:"row" doc:"the row's number in the file, from 1, in place of a column: an id for files without one"`
}

// DecodeNode reads the short form, the column alone, or the mapping.
func (f *Field) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	f.Type.Kind = event.String
	if !n.IsMap() {
		name, ok := n.Scalar()
		if !ok || name == "" {
			return []strictyaml.Problem{n.Problem("the name of a column is missing")}
		}
		f.Column = name
		return nil
	}
	type mapping Field // without this method
	if ps := n.Decode((*mapping)(f)); len(ps) > 0 {
		return ps
	}
	switch {
	case f.Row && f.Column != "":
		return []strictyaml.Problem{n.Problem("column and row stand side by side; a field comes from one of them")}
	case !f.Row && f.Column == "":
		return []strictyaml.Problem{n.Problem("the field comes from nowhere; give it a column, or row: true")}
	}
	if f.Row {
		f.Type = csvfile.Type{}
		f.Type.Kind = event.Int64
	}
	return nil
}

// Speed is how many seconds of the recorded time pass in one: "10x".
type Speed float64

// UnmarshalText reads "10x".
func (s *Speed) UnmarshalText(b []byte) error {
	num, ok := strings.CutSuffix(strings.TrimSpace(string(b)), "x")
	f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if !ok || err != nil || !(f > 0) || f > 1e9 {
		return fmt.Errorf("%q is not a speed; write how many times as fast as it was recorded, such as 10x", b)
	}
	*s = Speed(f)
	return nil
}

// JSONSchema describes "10x".
func (s *Speed) JSONSchema() strictyaml.Schema {
	return strictyaml.Schema{"type": "string", "pattern": `^\s*[0-9.eE+]+\s*x\s*$|\$\{`, "examples": []any{"1x", "10x"}}
}

// Shift is what is added to every timestamp.
type Shift struct {
	To string        // first-to-now or last-to-now; then By is not used
	By time.Duration // both zero: nothing is added
}

// UnmarshalText reads first-to-now, last-to-now, 30d or -2h.
func (s *Shift) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	if text == "first-to-now" || text == "last-to-now" {
		s.To = text
		return nil
	}
	back, negative := strings.CutPrefix(text, "-")
	d, err := strictyaml.ParseDuration(back)
	if err != nil {
		return fmt.Errorf("%q is not a shift; write first-to-now, last-to-now, or a time such as 30d or -2h", b)
	}
	if s.By = d; negative {
		s.By = -d
	}
	return nil
}

// JSONSchema describes a shift.
func (s *Shift) JSONSchema() strictyaml.Schema {
	return strictyaml.Schema{"type": "string", "examples": []any{"first-to-now", "last-to-now", "30d", "-2h"}}
}

// Check finds a replay that cannot be.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		pos := at(path...)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	names := w.Fields.Keys()
	if len(names) == 0 {
		wrong("fields names no field of the message", "such as { id: invoice_no, at: { column: invoice_ts, type: timestamp } }", "fields")
	}
	for _, f := range w.Fields.Entries {
		if f.Value.Column == "" && !f.Value.Row { // an empty value is not decoded
			wrong(fmt.Sprintf("field %q comes from nowhere", f.Key), "give it a column, or row: true", "fields", f.Key)
		}
	}
	if w.Key != "" && !slices.Contains(names, w.Key) {
		wrong(fmt.Sprintf("key %q is no field", w.Key), strictyaml.SuggestOrList(w.Key, names), "key")
	}
	if f, ok := w.Fields.Get(w.Time); w.Time != "" && !ok {
		wrong(fmt.Sprintf("time %q is no field", w.Time), strictyaml.SuggestOrList(w.Time, names), "time")
	} else if ok && f.Type.Kind != event.Timestamp {
		wrong(fmt.Sprintf("time %q is a %s", w.Time, f.Type), "its type must be timestamp", "time")
	}
	if w.Rate > 0 && w.Speed > 0 {
		wrong("rate and speed stand side by side", "one of them says how fast", "speed")
	}
	if w.Speed > 0 && w.Time == "" {
		wrong("speed needs to know when an event happened", "time names that field", "speed")
	}
	if w.Shift.To != "" && w.Time == "" {
		wrong("shift needs to know when an event happened", "time names that field", "shift")
	}
	if w.Partitions < 0 || w.Partitions > 1000 {
		wrong("number of partitions is out of range", "from 1 to 1000", "partitions")
	}
	if strings.ContainsAny(w.ID, "\x00 \n") {
		wrong("id holds white space", "", "id")
	}
	return ps
}

// Produces are the topics the job writes to, for a plan: whoever reads them comes after it.
func (w With) Produces() []string { return []string{w.Topic} }

// Files are the files the job reads, as the dagfile names them.
func (w With) Files() []string { return []string{w.File} }
