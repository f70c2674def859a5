package execjob

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// secretName tells variables whose value nobody should read in a log.
var secretName = regexp.MustCompile(`(?i)(^|_)(pass|passwd|password|passphrase|pwd|secret|token|credentials?|auth|(api|access|private|secret|signing|encryption)_?key)(_|$)|password|secret|token`)

// inText finds the password in a connection string such as "host=db password=x".
var inText = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&;]+)`)

// shortest is the least length of a secret: to hide each "a" of a text would hide the text and show what the secret is.
const shortest = 4

// secrets are the values of an environment (NAME=VALUE) that must not be printed: those with the name of a secret, and
// the passwords in addresses and connection strings. Longer ones come first, so that a secret inside another leaves nothing of that behind.
func secrets(env []string) []string {
	var out []string
	add := func(s string) {
		for line := range strings.Lines(s) { // output is looked at line by line
			if line = strings.TrimRight(line, "\r\n"); len(line) >= shortest && !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if secretName.MatchString(name) {
			add(value)
		}
		for _, m := range inText.FindAllStringSubmatch(value, -1) {
			written := strings.Trim(m[1], "'")
			add(written)
			add(strings.ReplaceAll(written, `\`, ""))
		}
		if !strings.Contains(value, "://") {
			continue
		}
		if u, err := url.Parse(value); err == nil {
			if password, ok := u.User.Password(); ok {
				add(password)
				add(url.QueryEscape(password))
				add(url.PathEscape(password))
				_, raw, _ := strings.Cut(u.User.String(), ":")
				add(raw)
			}
			add(u.Query().Get("password"))
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// hide gives a replacer that puts *** in place of secrets.
func hide(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, "***")
	}
	return strings.NewReplacer(pairs...)
}
