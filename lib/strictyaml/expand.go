package strictyaml

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expand replaces ${NAME}, ${NAME:-default} and ${NAME:?why} in the plain values below y. It works on parsed values,
// so that what a variable holds can never become a key or a structure. $$ stands for one dollar sign.
func (n Node) expand(y *yaml.Node, done map[*yaml.Node]bool) []Problem {
	if done[y] {
		return nil
	}
	done[y] = true
	if y.Kind == yaml.AliasNode {
		return n.expand(y.Alias, done)
	}
	if y.Kind == yaml.ScalarNode {
		if !strings.Contains(y.Value, "$") {
			return nil
		}
		v, err := expandText(y.Value, n.d.Lookup)
		if err != nil {
			return []Problem{Node{n.d, y}.Problem("%s", err)}
		}
		if v != y.Value {
			// The new text decides its own type, as if it had been written there. In { max: "${N}" } the quotes have to be
			// there for the braces' sake, so they make no text of a number; but what is empty stays an empty text.
			y.Value = v
			plain := yaml.Node{Kind: yaml.ScalarNode, Value: v}
			quoted := y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
			if tag := plain.ShortTag(); !quoted || tag == "!!int" || tag == "!!float" || tag == "!!bool" {
				y.Tag, y.Style = "", 0
			}
		}
		return nil
	}
	var ps []Problem
	for i, c := range y.Content {
		if y.Kind == yaml.MappingNode && i%2 == 0 {
			continue // keys are never expanded
		}
		ps = append(ps, n.expand(c, done)...)
	}
	return ps
}

func expandText(s string, lookup func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch {
		case strings.HasPrefix(s, "$$"):
			b.WriteByte('$')
			s = s[2:]
		case strings.HasPrefix(s, "${"):
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return "", fmt.Errorf("%q has no closing brace", s)
			}
			v, err := variable(s[2:end], lookup)
			if err != nil {
				return "", err
			}
			b.WriteString(v)
			s = s[end+1:]
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
}

func variable(ref string, lookup func(string) (string, bool)) (string, error) {
	name, def, op := ref, "", ""
	if i := strings.Index(ref, ":"); i >= 0 {
		name, op = ref[:i], ref[i:]
		if len(op) >= 2 {
			def, op = op[2:], op[:2]
		}
	}
	if name == "" || strings.ContainsAny(name, " \t$") || op != "" && op != ":-" && op != ":?" {
		return "", fmt.Errorf("${%s} is not a variable; write ${NAME}, ${NAME:-default} or ${NAME:?why it is needed}", ref)
	}
	v, ok := lookup(name)
	switch {
	case ok && (v != "" || op == ""):
		return v, nil
	case op == ":-":
		return def, nil
	case op == ":?":
		return "", fmt.Errorf("the variable %s is not set: %s", name, def)
	default:
		return "", fmt.Errorf("the variable %s is not set; set it, or write ${%s:-default}", name, name)
	}
}
