package event_test

import (
	"errors"
	"strings"
	"testing"

	"tillflow/lib/event"
)

// Every mistake in a schema is told at once, with the field and the setting it is in.
func TestSchemaProblems(t *testing.T) {
	t.Parallel()
	str, num, at := kind(t, "string"), kind(t, "int64"), kind(t, "timestamp")
	for _, tc := range []struct {
		name   string
		fields []event.Field
		want   string
	}{
		{"no_fields", nil, "a schema needs at least one field"},
		{"no_type", []event.Field{{Name: "a"}}, "field a: type: is missing"},
		{"bad_decimal", []event.Field{{Name: "a", Type: event.Type{Kind: event.Decimal, Precision: 40}}}, "field a: type: decimal(40,0): 1 to 38 digits, and no more of them after the point than in all"},
		{"name_twice", []event.Field{{Name: "a", Type: str}, {Name: "a", Type: str, Column: "b", Path: []string{"b"}}}, "field a: name: is declared twice"},
		{"column_twice", []event.Field{{Name: "a", Type: str}, {Name: "b", Type: str, Column: "a"}}, "field b: column: a is also the column of field a"},
		{"path_twice", []event.Field{{Name: "a", Type: str, Path: []string{"x", "y"}}, {Name: "b", Type: str, Path: []string{"x", "y"}}}, "field b: path: y is declared by another field too"},
		{"value_and_object", []event.Field{{Name: "a", Type: str, Path: []string{"x"}}, {Name: "b", Type: str, Path: []string{"x", "y"}}}, "field b: path: x is declared both as a value and as an object"},
		{"event_time_not_a_time", []event.Field{{Name: "a", Type: str, EventTime: true}}, "field a: event_time: is set on a field of type string; it must be a timestamp"},
		{"event_time_nullable", []event.Field{{Name: "a", Type: at, EventTime: true, Nullable: true}}, "field a: event_time: cannot be nullable: an event without a time has no window"},
		{"event_time_twice", []event.Field{{Name: "a", Type: at, EventTime: true}, {Name: "b", Type: at, EventTime: true}}, "field b: event_time: is set on a too; only one field can have it"},
		{"format_unknown", []event.Field{{Name: "a", Type: at, Format: "epoch"}}, `field a: format: "epoch" is not known: epoch_s, epoch_ms, epoch_us, or none for ISO 8601 text`},
		{"format_of_a_string", []event.Field{{Name: "a", Type: str, Format: "epoch_s"}}, "field a: format: is for timestamps, not for string"},
		{"max_length_of_a_number", []event.Field{{Name: "a", Type: num, MaxLength: 5}}, "field a: max_length: is for strings, a positive number of characters"},
		{"default_of_another_type", []event.Field{{Name: "a", Type: num, Default: text("x")}}, `field a: default: "x" is not a number`},
		{"default_not_accepted", []event.Field{{Name: "a", Type: str, Default: text("x"), Accept: []string{"y", "z"}}}, "field a: default: x is not one of y, z"},
		{"accept_of_another_type", []event.Field{{Name: "a", Type: kind(t, "bool"), Accept: []string{"yes"}}}, `field a: accept: "yes" is neither true nor false`},
		{"min_of_a_string", []event.Field{{Name: "a", Type: str, Min: text("x")}}, "field a: min: bounds are for numbers and times, not for string"},
		{"min_above_max", []event.Field{{Name: "a", Type: num, Min: text("5"), Max: text("4")}}, "field a: min: 5 is above the maximum 4"},
		{"several", []event.Field{{Name: "a"}, {Name: "b", Type: num, MaxLength: 5}}, "field a: type: is missing\nfield b: max_length: is for strings, a positive number of characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := event.NewSchema(tc.fields)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			var f *event.FieldError
			if len(tc.fields) > 0 && !errors.As(err, &f) {
				t.Errorf("a %T", err)
			}
		})
	}
}

func TestTypesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"int64", "float64", "string", "bool", "timestamp", "decimal(12,2)", "decimal(38,38)"} {
		if got := kind(t, s).String(); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
	if got := kind(t, "decimal(12, 2)").String(); got != "decimal(12,2)" {
		t.Errorf("spaces: %s", got)
	}
	for _, s := range []string{"", "int", "decimal", "decimal(12)", "decimal(0,0)", "decimal(39,1)", "decimal(5,6)", "decimal(5,-1)", "decimal(5,1", "decimal(a,1)"} {
		var k event.Type
		if err := k.UnmarshalText([]byte(s)); err == nil || !strings.Contains(err.Error(), "decimal(p,s)") {
			t.Errorf("%q: %v", s, err)
		}
	}
}
