package runner

import (
	"bytes"
	"sync"
	"time"
	"unicode/utf8"
)

// Pieces of a log are handed to the store when they are so old or so long: `dag logs -f` shows a line soon after it was
// written, and a job that writes much does not write to the database for each line.
const (
	pieceAge  = 500 * time.Millisecond
	pieceSize = 64 << 10 // bytes
)

// output is what a job writes its log to. It costs nothing until the first byte.
type output struct {
	hide func(string) string // takes secrets out of each piece that the job writes; nil takes nothing
	keep func(text string)   // called for one piece at a time

	mu    sync.Mutex
	buf   bytes.Buffer
	timer *time.Timer
	ended bool
}

// Write never fails: a log that cannot be kept must not end the job.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return len(p), nil // what a job left behind writes after its attempt belongs to nothing
	}
	if o.hide != nil {
		o.buf.WriteString(o.hide(string(p)))
	} else {
		o.buf.Write(p)
	}
	if o.buf.Len() >= pieceSize {
		o.hand(false)
	} else if o.timer == nil {
		o.timer = time.AfterFunc(pieceAge, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.timer = nil
			o.hand(false)
		})
	}
	return len(p), nil
}

// hand gives the store what was collected, but for a character that is not whole yet unless it is the end. The caller
// holds mu.
func (o *output) hand(all bool) {
	b := o.buf.Bytes()
	n := len(b)
	for cut := 1; !all && cut < utf8.UTFMax && cut <= len(b); cut++ {
		if utf8.RuneStart(b[len(b)-cut]) {
			if !utf8.FullRune(b[len(b)-cut:]) {
				n = len(b) - cut
			}
			break
		}
	}
	if n > 0 {
		o.keep(string(o.buf.Next(n)))
	}
}

// Close hands over the rest.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	o.hand(true)
	o.ended = true
	return nil
}
