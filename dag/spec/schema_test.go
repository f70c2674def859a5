package spec_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// validator compiles a schema with a validator that knows nothing of ours.
func validator(t testing.TB, s strictyaml.Schema) *jsonschema.Schema {
	t.Helper()
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("dagfile.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("dagfile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// document reads YAML the way an editor does.
func document(t testing.TB, src string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(src), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// What one reading of a file accepts, so does the schema; and what only a schema can know to be wrong, both refuse.
func TestSchemaAgreesWithParse(t *testing.T) {
	schema := validator(t, spec.Schema(kinds))
	const every = `
version: 1
name: shop
timezone: Asia/Riyadh
services: { kafka: { brokers: embedded }, postgres: { url: "${DB:-embedded}" }, http: { listen: "127.0.0.1:1" } }
pools: { db: 2 }
defaults: { "a.*": { retries: { max: 1, backoff: 1s, max_backoff: 1m }, timeout: 1m, timezone: UTC, overlap: queue, pool: db, cost: 1, tags: [x] } }
notify: [{ on: [failed, recovered, stalled, slow, silent], webhook: "https://example.com/", command: [echo, hi], jobs: a.page }]
jobs:
  s: { uses: stream, restarts: { max: 3, within: 1h } }
  c: { uses: check }
  b: { uses: page, with: { file: "1" }, rule: finally, needs: [s, { job: c }] }
  a.page:
    uses: page
    needs: [{ job: s, is: fresh }, b]
    with: { file: x.md }
    when:
      any: [{ every: 1m30s }, { cron: "@daily", catch_up: all, catch_up_max: 3 }, { all: [{ after: [b] }, { not: { checks: [c] } }] }]
      of: s
      rows: 10
      watermark: 1h
      lag_below: 100
      fresh_within: 1m
      min_gap: 0
      debounce: 1.5s
    retries: { max: "${RETRIES:-2}" }
    slow_after: 1m
    opens_within: 1d12h
    pool: db
    cost: 2
`
	replace := func(old, new string) string {
		if !strings.Contains(every, old) {
			t.Fatalf("no %q to replace", old)
		}
		return strings.Replace(every, old, new, 1)
	}
	for name, c := range map[string]struct {
		src string
		ok  bool
	}{
		"every_key":           {every, true},
		"a_number_as_text":    {replace("name: shop", "name: 42"), true},
		"unknown_key":         {replace("name: shop", "nmae: shop"), false},
		"unknown_version":     {replace("version: 1", "version: 2"), false},
		"no_jobs":             {"version: 1\n", false},
		"unknown_kind":        {replace("uses: check", "uses: chekc"), false},
		"unknown_need":        {replace("is: fresh", "is: frsh"), false},
		"unknown_with":        {replace("with: { file: x.md }", "with: { file: x.md, flie: y }"), false},
		"missing_with":        {replace("    with: { file: x.md }\n", ""), false},
		"missing_with_key":    {replace("with: { file: x.md }", "with: {}"), false},
		"retries_of_a_stream": {replace("uses: stream,", "uses: stream, retries: { max: 1 },"), false},
		"restarts_of_a_batch": {replace("uses: check", "uses: check, restarts: { max: 1 }"), false},
		"no_unit":             {replace("every: 1m30s", "every: 90"), false},
		"no_duration":         {replace("every: 1m30s", "every: soon"), false},
		"no_number":           {replace("rows: 10", "rows: many"), false},
		"half_a_number":       {replace("cost: 2", "cost: 1.5"), false},
		"no_list":             {replace("after: [b]", "after: b"), false},
		"no_mapping":          {replace("retries: { max: 1, backoff: 1s, max_backoff: 1m }", "retries: 3"), false},
		"wrong_deep_inside":   {replace("not: { checks: [c] }", "not: { check: [c] }"), false},
		"wrong_event":         {replace("on: [failed,", "on: [faild,"), false},
		"empty_pool":          {replace("pools: { db: 2 }", "pools: { db: 0 }"), false},
		"job_name":            {replace("  s: {", "  S: {"), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, ps := spec.Parse("f", []byte(c.src), kinds, func(string) (string, bool) { return "", false })
			err := schema.Validate(document(t, c.src))
			if (len(ps) == 0) != c.ok || (err == nil) != c.ok {
				t.Errorf("want it accepted: %v\nParse: %v\nschema: %v", c.ok, ps, err)
			}
		})
	}
}

func TestSchemaOfOneKey(t *testing.T) {
	for path, c := range map[string]struct{ good, bad string }{
		"jobs":             {"{ a: { uses: check } }", "{ a: {} }"},
		"jobs.when":        {"{ any: [{ every: 1m }] }", "{ any: { every: 1m } }"},
		"jobs.when.any":    {"[{ every: 1m }]", "[{ evry: 1m }]"},
		"jobs.needs.is":    {"live", "lively"},
		"defaults.retries": {"{ max: 1 }", "{ most: 1 }"},
		"notify.on":        {"[failed]", "[faild]"},
		"page":             {"{ file: x }", "{}"},
		"page.file":        {"x", "[x]"},
	} {
		s, err := spec.SchemaOf(kinds, path)
		if err != nil {
			t.Fatal(path, err)
		}
		v := validator(t, s)
		if err := v.Validate(document(t, c.good)); err != nil {
			t.Errorf("%s: %s: %v", path, c.good, err)
		}
		if v.Validate(document(t, c.bad)) == nil {
			t.Errorf("%s accepts %s", path, c.bad)
		}
	}
	for path, want := range map[string]string{
		"jobs.wehn":         `there is no key "jobs.wehn" (did you mean "when"?)`,
		"jobs.when.every.x": "jobs.when.every holds no keys",
		"paeg":              `there is no key "paeg" (did you mean "page"?)`,
		"page.x.y":          `there is no key "page.x.y" (did you mean "file"?)`,
	} {
		if _, err := spec.SchemaOf(kinds, path); err == nil || !strings.HasPrefix(err.Error(), want[:20]) || err.Error() != want && path != "page.x.y" {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
}

// Each key of the format has a description, so that an editor can show it.
func TestEveryKeyIsDescribed(t *testing.T) {
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case strictyaml.Schema:
			if props, ok := v["properties"].(strictyaml.Schema); ok && v["type"] == "object" {
				for key, p := range props {
					if s, ok := p.(strictyaml.Schema); ok && s["description"] == nil && !strings.Contains(path, "with.") {
						t.Errorf("%s.%s has no description", path, key)
					}
				}
			}
			for key, inner := range v {
				walk(path+"."+key, inner)
			}
		case map[string]strictyaml.Schema:
			for key, inner := range v {
				walk(path+"."+key, inner)
			}
		}
	}
	walk("", spec.Schema(kinds))
}
