//go:build browser

package notebook_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium, driven through the DevTools protocol over a pair of pipes: JSON messages, each ended by
// a zero byte. A test that needs one fails when there is none.
//
// chromedp would drive it as well, but the dozen calls these tests make are one line of JSON each, and it brings with it
// a generated package for each domain of the protocol, to be compiled with the race detector in every run of the checks.
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
	cmd.Env = append(os.Environ(), letters(t, profile)...)
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

// letters makes the browser use one family of fonts, so that pages look the same on any machine that has it.
func letters(t testing.TB, profile string) []string {
	t.Helper()
	const from = "/usr/share/fonts/truetype/dejavu"
	dir := filepath.Join(profile, "letters")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"} {
		if _, err := os.Stat(filepath.Join(from, name)); err != nil {
			return nil // then pictures may differ; .ci/run installs the package fonts-dejavu-core
		}
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(profile, "fonts.conf")
	text := `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>` + dir + `</dir><cachedir>` + dir + `</cachedir></fontconfig>`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{"FONTCONFIG_FILE=" + file}
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
	result, err := b.ask(session, method, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (b *browser) ask(session, method string, params any) (json.RawMessage, error) {
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
		return nil, err
	}
	select {
	case m, ok := <-answer:
		if !ok {
			return nil, b.gone
		}
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("%s: no answer in a minute", method)
	}
}

// tab is an open page.
type tab struct {
	*browser
	target, session string
}

// open shows an address in a window of a size and waits until it is loaded.
func (b *browser) open(t testing.TB, address string, width, height int) *tab {
	t.Helper()
	p := b.blank(t, width, height)
	p.goTo(t, address)
	return p
}

// blank is a window without a page. All windows are visible, as on a large desk; light, until a test says otherwise.
func (b *browser) blank(t testing.TB, width, height int) *tab {
	t.Helper()
	var target struct{ TargetID string }
	field(t, b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct{ SessionID string }
	field(t, b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	p := &tab{b, target.TargetID, attached.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(t, domain+".enable", nil)
	}
	p.call(t, "Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true})
	p.size(t, width, height)
	p.media(t, "", "light")
	return p
}

func (p *tab) goTo(t testing.TB, address string) {
	t.Helper()
	p.call(t, "Page.navigate", map[string]any{"url": address})
	p.until(t, `location.href !== 'about:blank' && document.readyState === 'complete'`)
}

func (p *tab) size(t testing.TB, width, height int) {
	t.Helper()
	p.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 640})
}

// media sets what style sheets see: print or "", and dark or light.
func (p *tab) media(t testing.TB, kind, scheme string) {
	t.Helper()
	p.call(t, "Emulation.setEmulatedMedia", map[string]any{"media": kind, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
}

func (p *tab) close(t testing.TB) {
	t.Helper()
	p.browser.call(t, "", "Target.closeTarget", map[string]any{"targetId": p.target})
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

// eval gives the value of an expression; a promise is waited for. While a page reloads itself it has nobody to ask, and is
// asked again.
func (p *tab) eval(t testing.TB, expression string) any {
	t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	answer, err := p.ask(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true})
	for end := time.Now().Add(30 * time.Second); err != nil && leaving.MatchString(err.Error()) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		answer, err = p.ask(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true})
	}
	if err != nil {
		t.Fatal(err)
	}
	field(t, answer, &r)
	if r.ExceptionDetails != nil {
		t.Fatalf("%s\n%s", expression, r.ExceptionDetails.Exception.Description)
	}
	return r.Result.Value
}

var leaving = regexp.MustCompile(`navigated or closed|[Cc]ontext was destroyed|Cannot find (default )?(execution )?context`)

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
