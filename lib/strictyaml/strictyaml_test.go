package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/strictyaml"
)

type shop struct {
	Name  string               `yaml:"name" check:"required"`
	Size  int                  `yaml:"size"`
	Open  bool                 `yaml:"open"`
	Share float64              `yaml:"share"`
	Wait  time.Duration        `yaml:"wait"`
	Mode  string               `yaml:"mode" check:"oneof=fast|slow"`
	Tags  []string             `yaml:"tags"`
	Rate  strictyaml.Rate      `yaml:"rate"`
	Cut   strictyaml.Percent   `yaml:"cut"`
	Items strictyaml.Map[item] `yaml:"items"`
	More  strictyaml.Node      `yaml:"more"`
	Limit *int64               `yaml:"limit"`
	Notes map[string]string    `yaml:"notes"`
}

type item struct {
	Price int `yaml:"price"`
	Least int `yaml:"least"`
}

func (i *item) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	if i.Least > i.Price {
		p := at("least")
		return []strictyaml.Problem{{Line: p.Line, Col: p.Col, Msg: "least is above price"}}
	}
	return nil
}

func decode(src string) (shop, string) {
	var s shop
	var lines []string
	for _, p := range strictyaml.Decode("shop.yaml", []byte(src), 0, &s) {
		lines = append(lines, p.String())
	}
	return s, strings.Join(lines, "\n")
}

func TestDecodeReadsEveryKind(t *testing.T) {
	got, problems := decode(`
name: corner
size: 1_000
open: true
share: 2
wait: 1d12h
mode: slow
tags: [a, b]
rate: 30/m
cut: 12.5%
items: { zebra: { price: 3 }, apple: { price: 2, least: 1 } }
limit: 7
notes: { x: y }
more: { left: alone }
`)
	if problems != "" {
		t.Fatal(problems)
	}
	if got.Size != 1000 || !got.Open || got.Share != 2 || got.Wait != 36*time.Hour || got.Rate != 0.5 || got.Cut != 0.125 || *got.Limit != 7 {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"zebra", "apple"}, got.Items.Keys()); diff != "" {
		t.Errorf("the order of the file is lost:\n%s", diff)
	}
	var more struct {
		Left string `yaml:"left"`
	}
	if ps := got.More.Decode(&more); len(ps) > 0 || more.Left != "alone" {
		t.Errorf("node: %v %+v", ps, more)
	}
}

func TestDecodePlacesEveryProblem(t *testing.T) {
	cases := map[string]struct{ src, want string }{
		"unknown_key_is_suggested":  {"name: a\nsiez: 3", `shop.yaml:2:1: unknown key "siez" (did you mean "size"?)`},
		"missing_key":               {"size: 3", `shop.yaml:1:1: "name" is missing`},
		"wrong_type":                {"name: a\nsize: big", `shop.yaml:2:7: expected a whole number, got the text "big"`},
		"quoted_number_is_text":     {"name: a\nsize: \"3\"", `shop.yaml:2:7: expected a whole number, got the text "3"`},
		"number_too_large":          {"name: a\nlimit: 99999999999999999999", `shop.yaml:2:8: expected a whole number, got the number 99999999999999999999`},
		"bad_duration":              {"name: a\nwait: 5", `shop.yaml:2:7: "5" is not a duration; write a number and a unit, such as 30s, 5m, 12h or 7d`},
		"not_in_the_list":           {"name: a\nmode: fats", `shop.yaml:2:7: "fats" is not allowed here (did you mean "fast"?)`},
		"doubled_key":               {"name: a\nname: b", `shop.yaml:2:1: key "name" stands twice, first on line 1`},
		"list_for_text":             {"name: [a]", `shop.yaml:1:7: expected text, got a list`},
		"text_for_list":             {"name: a\ntags: b", `shop.yaml:2:7: expected a list, got the text "b"`},
		"empty_required":            {"name:", `shop.yaml:1:6: is empty, expected text`},
		"bare_percentage":           {"name: a\ncut: 10", `shop.yaml:2:6: "10" is not a share; write a percentage from 0% to 100%, such as 10%`},
		"bad_rate":                  {"name: a\nrate: 0/s", `shop.yaml:2:7: "0/s" is not a rate; write a number and a unit of time, such as 50/s, 30/m or 2/h`},
		"rule_over_two_keys":        {"name: a\nitems:\n  x: { price: 1, least: 2 }", `shop.yaml:3:18: least is above price`},
		"merge_keys":                {"name: a\n<<: { size: 3 }", `shop.yaml:2:1: merge keys (<<) are not supported; repeat the values or use defaults`},
		"tab":                       {"name: a\ntags:\n\t- b", `shop.yaml:3:1: not YAML: found character that cannot start any token (indent with spaces, not tabs)`},
		"wrong_indent":              {"name: a\nitems:\n  x: { price: 1 }\n y: { price: 2 }\nsize: 3\n", `shop.yaml:4:2: not YAML: did not find expected key (the line is indented otherwise than those it belongs to, or the value before it does not end)`},
		"wrong_after_long_values":   {"name: a\ntags: [\n  b,\n  c\n]\nitems:\n  x: {\n    price: 1\n  }\n y: 1\n", `shop.yaml:10:2: not YAML: did not find expected key (the line is indented otherwise than those it belongs to, or the value before it does not end)`},
		"bracket_left_open":         {"name: a\ntags: [b, c\nsize: 3\n", `shop.yaml:2:1: not YAML: did not find expected ',' or ']' (a bracket is not closed, or a comma is missing)`},
		"quote_left_open":           {"size: 3\nname: \"a\ntags: []\n", `shop.yaml:2:1: not YAML: found unexpected end of stream (a quote is opened and never closed)`},
		"all_at_once_in_file_order": {"size: big\nopne: true", "shop.yaml:1:1: \"name\" is missing\nshop.yaml:1:7: expected a whole number, got the text \"big\"\nshop.yaml:2:1: unknown key \"opne\" (did you mean \"open\"?)"},
		"alias_in_itself":           {"name: a\ntags: &t [*t]", `shop.yaml:2:11: the alias *t stands inside the value it means`},
		"not_a_mapping":             {"- a", `shop.yaml:1:1: expected a mapping (key: value), got a list`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, got := decode(c.src)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	env := map[string]string{"SIZE": "12", "EMPTY": "", "TEXT": "a: b"}
	cases := map[string]struct{ src, name, problem string }{
		"default":             {"name: ${NONE:-corner}\nsize: 1", "corner", ""},
		"typed_value":         {"name: x\nsize: ${SIZE}", "x", ""},
		"quoted_typed_value":  {"{ name: x, size: \"${SIZE}\" }", "x", ""},
		"text_like_a_number":  {"name: \"${SIZE}\"", "12", ""},
		"empty_stays_text":    {"name: \"${NONE:-}\"", "", ""},
		"empty_takes_default": {"name: ${EMPTY:-corner}", "corner", ""},
		"cannot_become_a_key": {"name: ${TEXT}", "a: b", ""},
		"dollar":              {"name: a$$b$c", "a$b$c", ""},
		"not_set":             {"name: ${NONE}", "", `f.yaml:1:7: the variable NONE is not set; set it, or write ${NONE:-default}`},
		"why":                 {"name: ${NONE:?the shop's name}", "", `f.yaml:1:7: the variable NONE is not set: the shop's name`},
		"not_closed":          {"name: ${NONE", "", `f.yaml:1:7: "${NONE" has no closing brace`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var s shop
			ps := strictyaml.Decoder{File: "f.yaml", Lookup: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}.Decode([]byte(c.src), &s)
			got := ""
			if len(ps) > 0 {
				got = ps[0].String()
			}
			if got != c.problem || s.Name != c.name {
				t.Errorf("problem %q, name %q", got, s.Name)
			}
			if c.name == "x" && s.Size != 12 {
				t.Errorf("size = %d, want 12", s.Size)
			}
		})
	}
}

func TestDurationsRoundTrip(t *testing.T) {
	for _, s := range []string{"0s", "30s", "5m", "1h30m", "1d12h", "30d", "250ms", "1m0.5s"} {
		d, err := strictyaml.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := strictyaml.ParseDuration(strictyaml.FormatDuration(d))
		if err != nil || again != d {
			t.Errorf("%s became %s (%v)", s, strictyaml.FormatDuration(d), err)
		}
	}
}

// Every kind of number a struct may have can be decoded, and its limits hold.
func TestNumbers(t *testing.T) {
	type numbers struct {
		Seed  uint64  `yaml:"seed"`
		Small uint8   `yaml:"small"`
		Tiny  int8    `yaml:"tiny"`
		Share float64 `yaml:"share"`
	}
	var got numbers
	if ps := strictyaml.Decode("f", []byte("seed: 18_446_744_073_709_551_615\nsmall: 0xff\ntiny: -128\nshare: 1e3"), 0, &got); len(ps) > 0 {
		t.Fatal(ps)
	}
	if want := (numbers{1<<64 - 1, 255, -128, 1000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for src, want := range map[string]string{
		"seed: -1":    "f:1:7: expected a whole number, 0 or more, got the number -1",
		"small: 256":  "f:1:8: expected a whole number, 0 or more, got the number 256",
		"tiny: 128":   "f:1:7: expected a whole number, got the number 128",
		"seed: \"1\"": `f:1:7: expected a whole number, 0 or more, got the text "1"`,
	} {
		if ps := strictyaml.Decode("f", []byte(src), 0, new(numbers)); len(ps) != 1 || ps[0].String() != want {
			t.Errorf("%s: %v, want %s", src, ps, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("name: a\nitems: {x: {price: 1}}")
	f.Add("a: &a [*a]")
	f.Add("name: &n x\nnotes: {k: *n}")
	f.Fuzz(func(t *testing.T, src string) {
		var s shop
		for _, p := range strictyaml.Decode("f", []byte(src), 0, &s) {
			if p.Line < 1 || p.Col < 1 || p.Msg == "" {
				t.Errorf("badly placed problem %+v", p)
			}
		}
	})
}

func ExampleDecode() {
	var job struct {
		Uses  string        `yaml:"uses" check:"required"`
		Every time.Duration `yaml:"every"`
	}
	src := "uses: report\nevrey: 5s\n"
	for _, p := range strictyaml.Decode("dagfile.yaml", []byte(src), 0, &job) {
		fmt.Println(p)
	}
	// Output: dagfile.yaml:2:1: unknown key "evrey" (did you mean "every"?)
}
