package strictyaml

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"time"
)

// Schema is a JSON schema (draft 7, which every editor reads) or a part of one.
type Schema map[string]any

// SchemaOf is a type that describes the values it reads by itself.
type SchemaOf interface {
	JSONSchema() Schema
}

// Schemas makes JSON schemas of the structs that Decode fills, so that an editor knows what this package accepts: keys,
// types, allowed values and, from the tag doc, descriptions. A value may always be a ${VARIABLE} as well.
type Schemas struct {
	Definitions map[string]Schema // schemas that others refer to: those of types that hold themselves
	open        map[reflect.Type]bool
	named       map[reflect.Type]bool
}

// NewSchemas begins a document.
func NewSchemas() *Schemas {
	return &Schemas{Definitions: map[string]Schema{}, open: map[reflect.Type]bool{}, named: map[reflect.Type]bool{}}
}

// Ref refers to a definition.
func Ref(name string) Schema { return Schema{"$ref": "#/definitions/" + name} }

// Of describes the type of a value.
func (s *Schemas) Of(value any) Schema { return s.of(reflect.TypeOf(value), "") }

// variableName is the definition that stands for a ${VARIABLE}.
const variableName = "variable"

// orVariable allows a ${VARIABLE} in place of a value that is not text.
func (s *Schemas) orVariable(schema Schema) Schema {
	s.Definitions[variableName] = Schema{
		"description": "a variable of the environment: ${NAME}, ${NAME:-default} or ${NAME:?why it is needed}",
		"type":        "string", "pattern": `\$\{.+\}`,
	}
	return Schema{"anyOf": []any{schema, Ref(variableName)}}
}

// durationSchema describes a time.Duration.
func durationSchema() Schema {
	return Schema{
		"type": []any{"string", "integer"}, "pattern": `^([0-9.]+(w|d|h|ms|m|s))+$|^0$|\$\{`, "maximum": 0,
		"examples": []any{"30s", "5m", "12h", "7d"},
	}
}

func (s *Schemas) of(t reflect.Type, check string) Schema {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem(), check)
	}
	zero := reflect.New(t).Interface()
	if own, ok := zero.(SchemaOf); ok {
		return own.JSONSchema()
	}
	switch zero.(type) {
	case *time.Duration:
		return durationSchema()
	case *Node:
		return Schema{}
	case NodeDecoder: // a short form beside the mapping
		return Schema{"anyOf": []any{Schema{"type": []any{"string", "number", "boolean"}}, s.structure(t)}}
	case ordered:
		entries := t.Field(0).Type.Elem()
		value, _ := entries.FieldByName("Value")
		return Schema{"type": "object", "additionalProperties": s.of(value.Type, "")}
	case encoding.TextUnmarshaler:
		return Schema{"type": []any{"string", "number", "boolean"}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.shared(t)
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": s.of(t.Elem(), "")}
	case reflect.Slice:
		return Schema{"type": "array", "items": s.of(t.Elem(), check)}
	case reflect.Bool:
		return s.orVariable(Schema{"type": "boolean"})
	case reflect.Float64:
		return s.orVariable(Schema{"type": "number"})
	case reflect.String:
		if allowed := oneOf(check); allowed != nil {
			return s.orVariable(Schema{"enum": list(allowed)})
		}
		return Schema{"type": []any{"string", "number", "boolean"}} // 42 and true are texts as well
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return s.orVariable(Schema{"type": "integer"})
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return s.orVariable(Schema{"type": "integer", "minimum": 0})
	default:
		panic("strictyaml: no way to decode into " + t.String())
	}
}

// shared describes a struct in place, or by reference when it holds itself.
func (s *Schemas) shared(t reflect.Type) Schema {
	name := strings.ToLower(t.Name())
	if s.open[t] {
		s.named[t] = true
		return Ref(name)
	}
	s.open[t] = true
	schema := s.structure(t)
	delete(s.open, t)
	if s.named[t] {
		s.Definitions[name] = schema
		return Ref(name)
	}
	return schema
}

// structure describes the keys of a struct; no others are allowed. A value may be left empty unless it is required.
func (s *Schemas) structure(t reflect.Type) Schema {
	if t.Kind() != reflect.Struct {
		return Schema{"type": []any{"array", "object"}}
	}
	properties, required := Schema{}, []string{}
	for _, f := range fieldsOf(t).list {
		p := s.of(t.FieldByIndex(f.index).Type, f.check)
		if f.required {
			required = append(required, f.name)
		}
		if f.doc != "" {
			p = Described(p, f.doc)
		}
		properties[f.name] = p
	}
	out := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = list(required)
	}
	return out
}

// Described adds a description. Beside a reference, draft 7 would not look at it.
func Described(s Schema, doc string) Schema {
	if _, ok := s["$ref"]; ok {
		return Schema{"description": doc, "allOf": []any{s}}
	}
	out := maps.Clone(s)
	out["description"] = doc
	return out
}

func list(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// Text writes the schema for a file: indented, keys in order, so that it changes only when what it says does.
func (s Schema) Text() ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return []byte(b.String()), err
}
