//go:build browser

package notebook_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium, driven through the DevTools protocol over a pair of pipes: JSON messages, each ended by
// a zero byte. A test that needs one fails when there is none.
type browser struct {
	to io.Writer

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	logs    map[string][]string // by session: what the console and the content policy said
	gone    error
}

type message struct {
	ID        int             `json:"id"`
	Method    string          `json:"method"`
	SessionID string          `json:"sessionId"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result"`
	Error     *struct{ Message string }
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium on this machine: install the package chromium, or run the tests without -tags browser")
	}
	profile, err := os.MkdirTemp("", "notebook-browser-")
	if err != nil {
		t.Fatal(err)
	}
	readIn, writeIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	readOut, writeOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{readIn, writeOut} // descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = readIn.Close()
	_ = writeOut.Close()
	b := &browser{to: writeIn, waiting: map[int]chan message{}, logs: map[string][]string{}}
	done := make(chan struct{})
	go func() { b.read(readOut); close(done) }()
	t.Cleanup(func() {
		_ = b.send("", "Browser.close", nil, 0)
		_ = writeIn.Close()
		<-done
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	})
	return b
}

func (b *browser) read(from io.Reader) {
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.gone = fmt.Errorf("chromium ended: %w", err)
			for id, c := range b.waiting {
				close(c)
				delete(b.waiting, id)
			}
			b.mu.Unlock()
			return
		}
		var m message
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID != 0:
			if c := b.waiting[m.ID]; c != nil {
				c <- m
				delete(b.waiting, m.ID)
			}
		case m.Method == "Log.entryAdded" || m.Method == "Runtime.exceptionThrown" || m.Method == "Page.javascriptDialogOpening":
			b.logs[m.SessionID] = append(b.logs[m.SessionID], m.Method+" "+string(m.Params))
		}
		b.mu.Unlock()
	}
}

func (b *browser) send(session, method string, params any, id int) error {
	m := map[string]any{"id": id, "method": method}
	if session != "" {
		m["sessionId"] = session
	}
	if params != nil {
		m["params"] = params
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = b.to.Write(append(text, 0))
	return err
}

func (b *browser) call(t testing.TB, session, method string, params any) json.RawMessage {
	t.Helper()
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	err := b.gone
	if err == nil {
		err = b.send(session, method, params, id)
	}
	b.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case m, ok := <-answer:
		if !ok {
			t.Fatal(b.gone)
		}
		if m.Error != nil {
			t.Fatalf("%s: %s", method, m.Error.Message)
		}
		return m.Result
	case <-time.After(time.Minute):
		t.Fatalf("%s: no answer in a minute", method)
	}
	return nil
}

// tab is an open page.
type tab struct {
	*browser
	session string
}

// open shows an address in a window of a size and waits until it is loaded.
func (b *browser) open(t testing.TB, address string, width, height int) *tab {
	t.Helper()
	var target struct{ TargetID string }
	field(t, b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct{ SessionID string }
	field(t, b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	p := &tab{b, attached.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(t, domain+".enable", nil)
	}
	p.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 640})
	p.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "light"}}})
	p.call(t, "Page.navigate", map[string]any{"url": address})
	p.until(t, `location.href !== 'about:blank' && document.readyState === 'complete'`)
	return p
}

func field(t testing.TB, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func (p *tab) call(t testing.TB, method string, params any) json.RawMessage {
	t.Helper()
	return p.browser.call(t, p.session, method, params)
}

// eval gives the value of an expression; a promise is waited for.
func (p *tab) eval(t testing.TB, expression string) any {
	t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	field(t, p.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}), &r)
	if r.ExceptionDetails != nil {
		t.Fatalf("%s\n%s", expression, r.ExceptionDetails.Exception.Description)
	}
	return r.Result.Value
}

// until waits until an expression is true.
func (p *tab) until(t testing.TB, expression string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if p.eval(t, expression) == true {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("never true: %s\n%s", expression, p.heard())
}

func (p *tab) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.logs[p.session], "\n")
}

// quiet fails when the page said anything: an error, a dialog, a broken content policy.
func (p *tab) quiet(t testing.TB) {
	t.Helper()
	if s := p.heard(); s != "" {
		t.Errorf("the page is not quiet:\n%s", s)
	}
}
