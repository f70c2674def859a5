package stream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tillflow/lib/event"
	"tillflow/lib/strictyaml"
	"tillflow/lib/window"
)

// With is what a dagfile says about a stream.kafka job.
type With struct {
	Topic      string         `yaml:"topic" check:"required" doc:"the Kafka topic that is read"`
	Partitions int            `yaml:"partitions" doc:"of a topic that does not exist yet; default 2"`
	Watermark  *time.Duration `yaml:"watermark" doc:"how long stragglers are waited for; default 5m"`
	Late       string         `yaml:"late" check:"oneof=drop|include" doc:"what becomes of a row whose window has ended: drop (default) leaves it out; include adds it and counts it in the window's column revised"`
	MaxSkew    *time.Duration `yaml:"max_skew" doc:"an event further ahead of its message's time in the log moves no watermark and is listed in dag.future_rows; default 1h"`
	Idle       *time.Duration `yaml:"idle" doc:"a partition that brings nothing for so long, while others do, holds the stream's watermark back no longer; default 1m"`
	Linger     *time.Duration `yaml:"linger" doc:"least time between two transactions of a partition at the log's end; default 10ms"`
	Batch      int            `yaml:"batch" doc:"rows in a transaction while there is a backlog; default 50000, or fewer of more than two partitions; twice that when keys come in no order"`

	Fields strictyaml.Map[FieldSpec] `yaml:"fields" check:"required" doc:"the fields of an event, by name"`
	Sinks  strictyaml.Map[SinkSpec]  `yaml:"sinks" check:"required" doc:"the tables that are written, by name: of rows (append), of windows, or of totals by key (rollup)"`
}

// FieldSpec is one field of the messages; its key is the name in the JSON.
type FieldSpec struct {
	Type       event.Type `yaml:"type" check:"required" doc:"int64, float64, decimal(p,s), string, bool, timestamp"`
	Path       string     `yaml:"path" doc:"where a nested value is: $.order.id"`
	Format     string     `yaml:"format" doc:"of a timestamp; default ISO 8601 and '2006-01-02 15:04:05'"`
	Column     string     `yaml:"column" doc:"default: the field's name"`
	Nullable   bool       `yaml:"nullable" doc:"null and a missing field are allowed"`
	Default    *string    `yaml:"default" doc:"of a missing or null value"`
	MaxLength  int        `yaml:"max_length" doc:"of a string, in characters; 0 = any"`
	Accept     []string   `yaml:"accept" doc:"the only values allowed"`
	Min        *string    `yaml:"min" doc:"the least value allowed"`
	Max        *string    `yaml:"max" doc:"the greatest value allowed"`
	References string     `yaml:"references" doc:"table.column of a dimension; a row with an unknown key is held"`
	EventTime  bool       `yaml:"event_time" doc:"when it happened; exactly one timestamp"`
}

// SinkSpec is one table the messages go to: append, window or rollup.
type SinkSpec struct {
	Append string   `yaml:"append" check:"oneof=all" doc:"every field as a column"`
	Key    []string `yaml:"key" doc:"columns of the primary key: a repeated key is a duplicate"`

	Window time.Duration          `yaml:"window" doc:"length of a window of event time"`
	Slide  time.Duration          `yaml:"slide" doc:"a window begins at each multiple of it; default: the length"`
	By     []string               `yaml:"by" doc:"columns that split a window"`
	Rollup []string               `yaml:"rollup" doc:"columns of the key: totals of all rows of each key, over all time"`
	Where  string                 `yaml:"where" doc:"which rows are counted: amount > 0 and reason in ('a', 'b'); package event, Filter"`
	Totals strictyaml.Map[string] `yaml:"totals" doc:"name: count(), or sum, min, max, avg, approx_distinct of (column)"`
}

// The defaults of With.
const (
	defaultPartitions = 2
	defaultWatermark  = 5 * time.Minute
	defaultMaxSkew    = time.Hour
	defaultIdle       = time.Minute
	defaultLinger     = 10 * time.Millisecond
	defaultBatch      = 50_000

	// defaultRows is how many rows of all partitions are filled at once, where batch says nothing: so that memory does not
	// grow with the partitions. A batch of less than leastBatch would cost speed.
	defaultRows = 100_000
	leastBatch  = 10_000

	// wider is how many times as many rows a batch has when keys come in no order.
	wider = 2
)

// Consumes names the topic the job reads, so that the planner can tell who feeds it.
func (w With) Consumes() []string { return []string{w.Topic} }

// KeepsRollups names the rollups the job keeps, so that the planner can tell who reads one that is not there.
func (w With) KeepsRollups() []string {
	var out []string
	for _, e := range w.Sinks.Entries {
		if e.Value.Rollup != nil {
			out = append(out, e.Key)
		}
	}
	return out
}

func (w With) withDefaults() With {
	if w.Partitions == 0 {
		w.Partitions = defaultPartitions
	}
	if w.Late == "" {
		w.Late = "drop"
	}
	if w.Batch == 0 {
		w.Batch = defaultBatch
	}
	w.Watermark = orDefault(w.Watermark, defaultWatermark)
	w.MaxSkew = orDefault(w.MaxSkew, defaultMaxSkew)
	w.Idle = orDefault(w.Idle, defaultIdle)
	w.Linger = orDefault(w.Linger, defaultLinger)
	return w
}

func orDefault(d *time.Duration, def time.Duration) *time.Duration {
	if d == nil {
		return &def
	}
	return d
}

// fields are the declared fields as package event takes them, in the order of the file. What an error is about is left
// out of them.
func (w With) fields() ([]event.Field, error) {
	var bad []error
	out := make([]event.Field, 0, w.Fields.Len())
	for _, e := range w.Fields.Entries {
		f := event.Field{
			Name: e.Key, Type: e.Value.Type, Column: e.Value.column(e.Key), Nullable: e.Value.Nullable, Default: e.Value.Default,
			MaxLength: e.Value.MaxLength, Accept: e.Value.Accept, Min: e.Value.Min, Max: e.Value.Max,
			EventTime: e.Value.EventTime, Format: e.Value.Format,
		}
		var err error
		if f.Path, err = parsePath(e.Value.Path); err != nil {
			bad = append(bad, fmt.Errorf("field %q: %w", e.Key, err))
		}
		if e.Value.References != "" {
			if table, column, err := parseReference(e.Value.References); err != nil {
				bad = append(bad, fmt.Errorf("field %q: %w", e.Key, err))
			} else {
				f.References = &event.Reference{Table: table, Column: column}
			}
		}
		out = append(out, f)
	}
	return out, errors.Join(bad...)
}

func (f FieldSpec) column(name string) string {
	if f.Column != "" {
		return f.Column
	}
	return name
}

// parsePath reads $.order.id; empty means the field's own name at the top.
func parsePath(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(s, "$.")
	parts := strings.Split(rest, ".")
	for _, p := range parts {
		if !ok || p == "" || strings.ContainsAny(p, "[]*'\"") {
			return nil, fmt.Errorf("path %q is not of the form $.order.id", s)
		}
	}
	return parts, nil
}

// parseReference reads table.column or schema.table.column.
func parseReference(s string) (table, column string, err error) {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || i == len(s)-1 || strings.Count(s, ".") > 2 {
		return "", "", fmt.Errorf("references %q is not of the form table.column", s)
	}
	return s[:i], s[i+1:], nil
}

// windowSpec is the window a sink declares.
func (s SinkSpec) windowSpec(eventTime string) (window.Spec, error) {
	spec := window.Spec{Size: s.Window, Slide: s.Slide, Time: eventTime, By: s.By}
	for _, e := range s.Totals.Entries {
		t, err := window.ParseTotal(e.Key, e.Value)
		if err != nil {
			return spec, err
		}
		spec.Totals = append(spec.Totals, t)
	}
	return spec, nil
}
