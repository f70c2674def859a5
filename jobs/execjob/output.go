package execjob

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"tillflow/lib/secret"
)

const (
	lastLines = 20       // that an error shows
	lastBytes = 4 << 10  // of them
	maxLine   = 64 << 10 // a longer line is cut; a progress bar may never end one
)

// output takes what a command prints: each line goes on without its secrets, and the last ones are kept for the error.
// It is safe for concurrent use, and never an error: a command does not fail because its log is full.
type output struct {
	to      io.Writer
	secrets []string
	mask    *secret.Mask
	longest int // of the secrets, in bytes

	mu   sync.Mutex
	line []byte
	last []string
}

func newOutput(to io.Writer, secrets []string) *output {
	o := &output{to: to, secrets: secrets, mask: secret.Hide(secrets)}
	for _, s := range secrets {
		o.longest = max(o.longest, len(s))
	}
	return o
}

// Write takes a piece of output.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		o.line = append(o.line, p[:i+1]...)
		o.pass(len(o.line))
		p = p[i+1:]
	}
	o.line = append(o.line, p...)
	for len(o.line) > maxLine+2*o.longest {
		o.pass(o.cut(maxLine))
	}
	return n, nil
}

// cut is the place nearest before n at which no secret is parted.
func (o *output) cut(n int) int {
	for limit, again := n-o.longest, true; again && n > limit; {
		again = false
		for _, s := range o.secrets {
			from := max(0, n-len(s)+1)
			if i := strings.Index(string(o.line[from:n+len(s)-1]), s); i >= 0 && from+i > 0 {
				n, again = from+i, true
			}
		}
	}
	return n
}

// pass hands on the first n bytes of the line.
func (o *output) pass(n int) {
	text := o.mask.Text(string(o.line[:n]))
	o.line = append(o.line[:0], o.line[n:]...)
	_, _ = io.WriteString(o.to, text)
	if text = strings.TrimRight(text, "\r\n"); text != "" {
		o.last = append(o.last, text[max(0, len(text)-lastBytes):])
		o.last = o.last[max(0, len(o.last)-lastLines):]
	}
}

// end hands on a last line that had no end, and gives the last lines.
func (o *output) end() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.line) > 0 {
		o.line = append(o.line, '\n')
		o.pass(len(o.line))
	}
	text := strings.Join(o.last, "\n")
	if len(text) > lastBytes {
		text = "..." + text[len(text)-lastBytes:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
