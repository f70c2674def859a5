package chromium

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Browser is a running Chromium, driven through its DevTools protocol: JSON messages over two pipes, each ended by a zero
// byte. It is safe for concurrent use.
type Browser struct {
	cmd     *exec.Cmd
	profile string
	to      *os.File
	ended   chan struct{} // closed when nothing more comes from the browser

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
}

type message struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Start starts a browser. The caller closes it.
func Start() (b *Browser, err error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "tillflow-chromium-")
	if err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			_ = os.RemoveAll(profile)
			err = fmt.Errorf("start Chromium: %w", err)
		}
	}()
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, theirIn, ourOut)
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, ourIn, theirOut)
	cmd := exec.Command(path, append(flags(profile), "--remote-debugging-pipe", "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4, as the protocol wants
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = theirIn.Close(), theirOut.Close() // the browser has its own
	b = &Browser{cmd: cmd, profile: profile, to: ourOut, ended: make(chan struct{}), waiting: map[int]chan message{}}
	go b.read(ourIn)
	return b, nil
}

// PID is the process of the browser; its children render the pages.
func (b *Browser) PID() int { return b.cmd.Process.Pid }

// Close ends the browser and deletes its profile.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.call(ctx, "", "Browser.close", nil, nil); err != nil {
		_ = b.cmd.Process.Kill()
	}
	_ = b.to.Close()
	<-b.ended
	_ = b.cmd.Wait() // its exit code says nothing
	return os.RemoveAll(b.profile)
}

// read hands answers to those who wait for them. It ends with the browser.
func (b *Browser) read(from *os.File) {
	defer close(b.ended)
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil || m.ID == 0 {
			continue // an event
		}
		b.mu.Lock()
		if c := b.waiting[m.ID]; c != nil {
			c <- m
			delete(b.waiting, m.ID)
		}
		b.mu.Unlock()
	}
}

// call sends a request and decodes what comes back into result, unless that is nil.
func (b *Browser) call(ctx context.Context, session, method string, params, result any) error {
	m := map[string]any{"method": method}
	if session != "" {
		m["sessionId"] = session
	}
	if params != nil {
		m["params"] = params
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	m["id"] = id
	text, err := json.Marshal(m)
	if err == nil {
		b.waiting[id] = answer
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.waiting, id)
		b.mu.Unlock()
	}()
	if err != nil {
		return fmt.Errorf("ask Chromium for %s: %w", method, err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("ask Chromium for %s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-b.ended:
		return fmt.Errorf("ask Chromium for %s: %w", method, io.ErrUnexpectedEOF)
	case <-ctx.Done():
		return fmt.Errorf("ask Chromium for %s: %w", method, context.Cause(ctx))
	}
}

// Tab is an open page.
type Tab struct {
	b               *Browser
	target, session string
}

// Open shows an address in a window of a size and waits until it is loaded.
func (b *Browser) Open(ctx context.Context, address string, width, height int) (*Tab, error) {
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := b.call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return nil, err
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	if err := b.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	t := &Tab{b, target.TargetID, attached.SessionID}
	for _, c := range []struct {
		method string
		params any
	}{
		{"Page.enable", nil}, {"Runtime.enable", nil}, {"Performance.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}},
		{"Page.navigate", map[string]any{"url": address}},
	} {
		if err := b.call(ctx, t.session, c.method, c.params, nil); err != nil {
			return nil, err
		}
	}
	return t, t.Until(ctx, "location.href !== 'about:blank' && document.readyState === 'complete'")
}

// Close closes the page.
func (t *Tab) Close(ctx context.Context) error {
	return t.b.call(ctx, "", "Target.closeTarget", map[string]any{"targetId": t.target}, nil)
}

// Eval gives the value of an expression; a promise is waited for.
func (t *Tab) Eval(ctx context.Context, expression string, into any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}
	if err := t.b.call(ctx, t.session, "Runtime.evaluate", params, &r); err != nil {
		return err
	}
	if r.Exception != nil {
		return errors.New(r.Exception.Exception.Description)
	}
	if into == nil {
		return nil
	}
	if len(r.Result.Value) == 0 {
		return fmt.Errorf("%s has no value", expression)
	}
	return json.Unmarshal(r.Result.Value, into)
}

// Until waits until an expression is true.
func (t *Tab) Until(ctx context.Context, expression string) error {
	for {
		var yes bool
		if err := t.Eval(ctx, "!!("+expression+")", &yes); err != nil || yes {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not true: %w", expression, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Busy is how long the page's main thread has worked so far: by the clock, which counts what other processes took in
// between, and in time of the processor.
func (t *Tab) Busy(ctx context.Context) (wall, cpu time.Duration, err error) {
	var r struct {
		Metrics []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"metrics"`
	}
	if err := t.b.call(ctx, t.session, "Performance.getMetrics", nil, &r); err != nil {
		return 0, 0, err
	}
	seconds := map[string]float64{}
	for _, m := range r.Metrics {
		seconds[m.Name] = m.Value
	}
	wall, cpu = time.Duration(seconds["TaskDuration"]*float64(time.Second)), time.Duration(seconds["ThreadTime"]*float64(time.Second))
	if wall == 0 || cpu == 0 {
		return 0, 0, errors.New("this Chromium does not measure how long a page works (TaskDuration, ThreadTime)")
	}
	return wall, cpu, nil
}
