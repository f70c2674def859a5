package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"
)

// A message is tried so often; each try may take so long.
const (
	tries    = 3
	tryLimit = 10 * time.Second
	tryPause = 500 * time.Millisecond // doubled after each try
)

// send gives a message to a target's webhook and command.
func (t *target) send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var errs []error
	if t.Webhook != "" {
		errs = append(errs, again(ctx, func(ctx context.Context) error { return post(ctx, t.Webhook, body) }))
	}
	if len(t.Command) > 0 {
		// A command is run once: it may have told somebody before it failed.
		cctx, cancel := context.WithTimeout(ctx, tryLimit)
		defer cancel()
		errs = append(errs, command(cctx, t.Command, body))
	}
	return errors.Join(errs...)
}

// again tries until it works, ctx ends, or it makes no sense any more.
func again(ctx context.Context, try func(ctx context.Context) error) error {
	pause := tryPause
	for i := 1; ; i++ {
		tctx, cancel := context.WithTimeout(ctx, tryLimit)
		err := try(tctx)
		cancel()
		var refused *refusedError
		if err == nil || i == tries || errors.As(err, &refused) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// refusedError is an answer that a further try would not change.
type refusedError struct{ status string }

func (e *refusedError) Error() string { return "it answers " + e.status }

// client goes to the address itself: a webhook that sends elsewhere would hand the message to somebody else.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a body to a webhook. The address is often a secret in itself, so that errors name its host alone.
func post(ctx context.Context, address string, body []byte) error {
	host := "the webhook"
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		host = "the webhook at " + u.Host
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: its address cannot be used", host)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address
		}
		return fmt.Errorf("%s: %w", host, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return fmt.Errorf("%s answers %s", host, resp.Status)
	default:
		return fmt.Errorf("%s: %w", host, &refusedError{resp.Status})
	}
}

// command runs a program with the message on its standard input. Its arguments may hold secrets; errors name the
// program alone, with what it wrote.
func command(ctx context.Context, args []string, body []byte) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin = bytes.NewReader(append(body, '\n'))
	c.WaitDelay = time.Second // a child that keeps the output open does not hold us up
	out, err := c.CombinedOutput()
	if err != nil {
		said := strings.Join(strings.Fields(string(out[:min(len(out), 500)])), " ")
		if said != "" {
			said = ": " + said
		}
		return fmt.Errorf("the command %s: %w%s", args[0], err, said)
	}
	return nil
}
