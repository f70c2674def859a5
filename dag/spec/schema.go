package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// Schema is the JSON schema of a dagfile, made from the structs that read it, so that an editor completes and checks
// what this program accepts: every key, and for each `uses` its own `with`. What spans several keys (names of other
// jobs, cycles, cron lines) only Parse knows.
func Schema(kinds map[string]Kind) strictyaml.Schema {
	s := strictyaml.NewSchemas()
	root := s.Of(Spec{})
	job := s.Of(Job{})
	names := slices.Sorted(maps.Keys(kinds))
	properties(job)["uses"] = strictyaml.Described(strictyaml.Schema{"enum": texts(names)}, property(job, "uses")["description"].(string))
	var rules []any
	for _, name := range names {
		s.Definitions[withName(name)] = s.Of(kinds[name].With())
		rules = append(rules, rule(name, kinds[name], s.Definitions[withName(name)]))
	}
	job["allOf"] = rules
	s.Definitions["job"] = job
	jobs := property(root, "jobs")
	jobs["additionalProperties"] = strictyaml.Ref("job")
	jobs["propertyNames"] = strictyaml.Schema{"pattern": jobName.String()}
	property(root, "version")["anyOf"] = []any{strictyaml.Schema{"const": 1}}
	property(root, "pools")["additionalProperties"] = strictyaml.Schema{"type": "integer", "minimum": 1}
	return document("A tillflow pipeline", root, s.Definitions)
}

// rule says what a job of one kind may hold.
func rule(name string, k Kind, with strictyaml.Schema) strictyaml.Schema {
	fits := strictyaml.Schema{"with": strictyaml.Ref(withName(name))}
	unfit := []string{"restarts"}
	if k.Stream {
		unfit = batchKeys
	}
	for _, key := range unfit {
		fits[key] = false
	}
	then := strictyaml.Schema{"properties": fits}
	if with["required"] != nil {
		then["required"] = []any{"with"}
	}
	return strictyaml.Schema{
		"if":   strictyaml.Schema{"properties": strictyaml.Schema{"uses": strictyaml.Schema{"const": name}}, "required": []any{"uses"}},
		"then": then,
	}
}

func withName(uses string) string { return "with." + uses }

func document(title string, s strictyaml.Schema, definitions map[string]strictyaml.Schema) strictyaml.Schema {
	out := maps.Clone(s)
	out["$schema"] = "http://json-schema.org/draft-07/schema#"
	out["title"] = title
	if len(definitions) > 0 {
		out["definitions"] = definitions
	}
	return out
}

// SchemaOf is the schema of one key of a dagfile, such as jobs.when, defaults.retries, or load.csv.tables for a key of
// that kind's `with`. Names of jobs and elements of lists are left out of the path. The error names the keys there are.
func SchemaOf(kinds map[string]Kind, path string) (strictyaml.Schema, error) {
	root := Schema(kinds)
	definitions := root["definitions"].(map[string]strictyaml.Schema)
	at, rest := root, path
	for name := range kinds {
		if path == name || strings.HasPrefix(path, name+".") {
			at, rest = definitions[withName(name)], strings.TrimPrefix(strings.TrimPrefix(path, name), ".")
			break
		}
	}
	var done []string
	for key := range strings.SplitSeq(rest, ".") {
		if key == "" && rest == "" {
			break
		}
		mapping := keyed(at, definitions)
		if mapping == nil {
			return nil, fmt.Errorf("%s holds no keys", strings.Join(done, "."))
		}
		next, ok := properties(mapping)[key].(strictyaml.Schema)
		if !ok {
			known := slices.Sorted(maps.Keys(properties(mapping)))
			if len(done) == 0 && at["title"] != nil {
				known = append(known, slices.Sorted(maps.Keys(kinds))...)
			}
			return nil, fmt.Errorf("there is no key %q (%s)", path, strictyaml.SuggestOrList(key, known))
		}
		at, done = next, append(done, key)
	}
	used := map[string]strictyaml.Schema{}
	collect(at, definitions, used)
	return document(path, at, used), nil
}

// SchemaKeys lists the paths that SchemaOf knows, in order, with gates inside gates left out.
func SchemaKeys(kinds map[string]Kind) []string {
	root := Schema(kinds)
	definitions := root["definitions"].(map[string]strictyaml.Schema)
	var paths []string
	var walk func(prefix string, s strictyaml.Schema, above []string)
	walk = func(prefix string, s strictyaml.Schema, above []string) {
		mapping := keyed(s, definitions)
		if mapping == nil {
			return
		}
		for key, inner := range properties(mapping) {
			next, ok := inner.(strictyaml.Schema)
			if !ok || slices.Contains(above, key) {
				continue
			}
			paths = append(paths, prefix+key)
			if key != "any" && key != "all" && key != "not" {
				walk(prefix+key+".", next, below(above, key))
			}
		}
	}
	walk("", root, nil)
	for name := range kinds {
		paths = append(paths, name)
		walk(name+".", definitions[withName(name)], nil)
	}
	slices.Sort(paths)
	return paths
}

// keyed finds the mapping with fixed keys behind a reference, a list, a map of names or a choice; nil without one.
func keyed(s strictyaml.Schema, definitions map[string]strictyaml.Schema) strictyaml.Schema {
	if ref, ok := s["$ref"].(string); ok {
		return keyed(definitions[strings.TrimPrefix(ref, "#/definitions/")], definitions)
	}
	if _, ok := s["properties"]; ok {
		return s
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := s[key].(strictyaml.Schema); ok {
			return keyed(inner, definitions)
		}
	}
	for _, key := range []string{"allOf", "anyOf"} {
		list, _ := s[key].([]any)
		for _, one := range list {
			if found := keyed(one.(strictyaml.Schema), definitions); found != nil {
				return found
			}
		}
	}
	return nil
}

// collect adds the definitions that a schema refers to, and those that they refer to.
func collect(v any, definitions, used map[string]strictyaml.Schema) {
	switch v := v.(type) {
	case strictyaml.Schema:
		if ref, ok := v["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/definitions/")
			if _, done := used[name]; !done {
				used[name] = definitions[name]
				collect(definitions[name], definitions, used)
			}
		}
		for _, inner := range v {
			collect(inner, definitions, used)
		}
	case []any:
		for _, inner := range v {
			collect(inner, definitions, used)
		}
	}
}

func properties(s strictyaml.Schema) strictyaml.Schema { return s["properties"].(strictyaml.Schema) }

func property(s strictyaml.Schema, key string) strictyaml.Schema {
	return properties(s)[key].(strictyaml.Schema)
}

func texts(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
