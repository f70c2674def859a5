package sqljob

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script string
		want   []string // statements as sent, with the names of their parameters after |
	}{
		"two":             {"select 1; select 2;", []string{"select 1|", "select 2|"}},
		"no_last_end":     {"select 1;\n select 2", []string{"select 1|", "select 2|"}},
		"empty_ones":      {";; -- nothing\n; /* ; */ ;", nil},
		"comment_first":   {"-- why; because\nselect 1", []string{"select 1|"}},
		"parameters":      {"select :a + :b, :a", []string{"select $1 + $2, $3|a,b,a"}},
		"cast":            {"select :a::date, x::int, '1'::text", []string{"select $1::date, x::int, '1'::text|a"}},
		"text":            {"select ':a; ''b'';', 1; select 2", []string{"select ':a; ''b'';', 1|", "select 2|"}},
		"escaped_text":    {`select E'it\'s; :a', 1`, []string{`select E'it\'s; :a', 1|`}},
		"ends_in_e":       {`select name'x', :a`, []string{`select name'x', $1|a`}},
		"quoted_name":     {`select "a;:b""c", :d`, []string{`select "a;:b""c", $1|d`}},
		"dollars":         {"do $$ begin x := 1; end $$; select 1", []string{"do $$ begin x := 1; end $$|", "select 1|"}},
		"tagged":          {"do $a$ select $$;$$; $a$; select :p", []string{"do $a$ select $$;$$; $a$|", "select $1|p"}},
		"nested_comment":  {"select /* a /* ; */ :x ; */ 1; select 2", []string{"select /* a /* ; */ :x ; */ 1|", "select 2|"}},
		"slice":           {"select a[1:2], b[lo : hi], c[:n]", []string{"select a[1:2], b[lo : hi], c[$1]|n"}},
		"named_arguments": {"select f(a := 1, b => :x)", []string{"select f(a := 1, b => $1)|x"}},
		"words":           {"select größe, :größe from t", []string{"select größe, $1 from t|größe"}},
		"crlf":            {"select 1;\r\nselect :a\r\n", []string{"select 1|", "select $1\r\n|a"}},
		"dollar_in_name":  {"select a$b$c, :x from t", []string{"select a$b$c, $1 from t|x"}},
	} {
		t.Run(name, func(t *testing.T) {
			statements, mistakes := split(tt.script)
			var got []string
			for _, s := range statements {
				got = append(got, s.text+"|"+strings.Join(s.params, ","))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(mistakes) > 0 {
				t.Errorf("mistakes %v, statements differ (-want +got):\n%s", mistakes, diff)
			}
		})
	}
}

// Every mistake has the place at which it stands.
func TestMistakes(t *testing.T) {
	t.Parallel()
	w := &With{Params: map[string]string{"day": "x"}}
	for name, tt := range map[string]struct{ script, want string }{
		"unknown":     {"select 1;\nselect :dya", `s.sql:2:8: there is no parameter :dya (did you mean "day"?)`},
		"far_off":     {"select :nothing_like", "s.sql:1:8: there is no parameter :nothing_like; params gives it a value"},
		"utility":     {"select 1;\n  drop table :day;", "s.sql:2:14: DROP takes no parameters, so :day cannot stand here"},
		"alter":       {"alter role x password :day", "s.sql:1:23: ALTER takes no parameters"},
		"commit":      {"select 1;\n\n  Commit; select 2", "s.sql:3:3: COMMIT may not stand here: the script is committed as a whole"},
		"begin":       {"begin; select 1", "s.sql:1:1: BEGIN may not stand here: the whole script is one transaction already"},
		"copy":        {"copy t from stdin", "s.sql:1:1: COPY from stdin or to stdout has nobody at the other end"},
		"psql":        {`\copy t from 'x'`, `s.sql:1:1: psql's commands`},
		"open_text":   {"select 'abc;\nselect 2", "s.sql:1:8: this text has no end: a ' is missing"},
		"open_note":   {"select 1; /* abc", "s.sql:1:11: this comment has no end"},
		"open_dollar": {"do $x$ begin end $$", "s.sql:1:4: this dollar-quoted text has no end"},
		"open_name":   {`select "a`, "s.sql:1:8: this name has no end"},
		"nothing":     {"-- only a remark\n", "s.sql:1:1: there is no statement in it"},
		"empty":       {"", "s.sql:1:1: there is no statement in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := w.read("s.sql", tt.script)
			if len(errs) == 0 || !strings.HasPrefix(errs[0].Error(), tt.want) {
				t.Errorf("got %v\nwant %s", errs, tt.want)
			}
		})
	}
	if _, errs := w.read("s.sql", "savepoint a; rollback to a; create table x as select :day"); len(errs) > 0 {
		t.Errorf("these are fine: %v", errs)
	}
}

// Whatever a script holds, it can be taken apart, and the pieces lie where they say.
func FuzzSplit(f *testing.F) {
	f.Add("select :a::date; do $$ ; $$; -- x\n/* /* */ */ select E'\\'' || \"x\"")
	f.Add("$1$ : :: := ' \" \xff :\x00a")
	f.Fuzz(func(t *testing.T, script string) {
		statements, _ := split(script)
		for _, s := range statements {
			for i, e := range s.edits {
				at := s.place(e.at)
				if !strings.HasPrefix(script[at:], ":"+s.params[i]) {
					t.Errorf("parameter %s of %q is not at %d", s.params[i], script, at)
				}
			}
		}
	})
}
