// Package secret knows which values of an environment nobody should read, and hides them: the values of variables that are
// named like secrets, and the passwords in addresses and connection strings. It is the one rule for what commands print,
// for logs, errors and the history of runs.
package secret

import (
	"cmp"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// name tells variables and parameters whose value is a secret.
var name = regexp.MustCompile(`(?i)(^|_)(pass|passwd|password|passphrase|pwd|secret|token|credentials?|auth|(api|access|private|secret|signing|encryption)_?key)(_|$)|password|secret|token`)

// inText finds the password in a connection string such as "host=db password=x".
var inText = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&;]+)`)

// shortest is the least length of a secret: to hide each "a" of a text would hide the text and show what the secret is.
const shortest = 4

// common are values that are no secret wherever they stand, but words that texts are made of.
var common = []string{"true", "false", "none", "null", "default", "postgres", "password", "secret", "token", "basic", "bearer", "localhost"}

// Named tells whether what bears this name is a secret: DB_PASSWORD, api_key, GITHUB_TOKEN. PWD is the folder one is in,
// which every shell has there.
func Named(s string) bool { return s != "PWD" && name.MatchString(s) }

// In gives the secrets of an environment (NAME=VALUE; a name may be empty), each as it may stand in a text. Longer ones
// come first, so that a secret inside another leaves nothing of that behind.
func In(env []string) []string {
	var out []string
	add := func(s string) {
		for line := range strings.Lines(s) { // output is looked at line by line
			if line = strings.TrimRight(line, "\r\n"); len(line) >= shortest && !slices.Contains(common, strings.ToLower(line)) && !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	for _, v := range env {
		variable, value, _ := strings.Cut(v, "=")
		if Named(variable) {
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
	slices.SortStableFunc(out, longerFirst)
	return out
}

// Mask puts *** in place of secrets. A nil Mask hides nothing. It may be used from any goroutine.
type Mask struct {
	mu      sync.Mutex
	secrets []string
	replace atomic.Pointer[strings.Replacer]
}

// Hide makes a mask of secrets, such as In gives.
func Hide(secrets []string) *Mask {
	m := &Mask{}
	m.Add(secrets)
	return m
}

// Add hides more secrets from now on, in the writers of the mask, too.
func (m *Mask) Add(secrets []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.secrets)
	for _, s := range secrets {
		if !slices.Contains(m.secrets, s) {
			m.secrets = append(m.secrets, s)
		}
	}
	if len(m.secrets) == n && m.replace.Load() != nil {
		return
	}
	slices.SortStableFunc(m.secrets, longerFirst)
	var pairs []string
	for _, s := range m.secrets {
		pairs = append(pairs, s, "***")
	}
	m.replace.Store(strings.NewReplacer(pairs...))
}

// longerFirst orders secrets so that one inside another leaves nothing of that behind.
func longerFirst(a, b string) int { return cmp.Compare(len(b), len(a)) }

// Text is s without the secrets.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	return m.replace.Load().Replace(s)
}

// Writer hides the secrets in what is written to w. Each Write is looked at by itself: it should hold whole lines.
func (m *Mask) Writer(w io.Writer) io.Writer {
	if m == nil {
		return w
	}
	return maskWriter{m, w}
}

type maskWriter struct {
	mask *Mask
	to   io.Writer
}

func (w maskWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, w.mask.Text(string(p))); err != nil { // in one piece: a screen redraws with each
		return 0, err
	}
	return len(p), nil
}
