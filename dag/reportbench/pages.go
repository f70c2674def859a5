package reportbench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"tillflow/lib/cputime"
	"tillflow/lib/replace"
)

// openPages is how many readers keep the page open.
const openPages = 100

func makeFolder(path string) error { return os.MkdirAll(path, 0o755) }

// pages measures what many open pages cost the server: their streams of events while nothing changes, and the page they
// all fetch when it changes. The readers are in this process too, so it is rather more than the server's own share.
func (b *bench) pages(ctx context.Context) (err error) {
	if b.Idle == 0 {
		return nil
	}
	b.Say(fmt.Sprintf("%d open pages, for %s", openPages, b.Idle))
	s, err := b.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	ctx, cancel := context.WithCancel(ctx)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: openPages, DisableCompression: true}}
	var readers sync.WaitGroup
	defer client.CloseIdleConnections()
	defer readers.Wait()
	defer cancel()
	told := make(chan error, openPages)
	for range openPages {
		events, err := follow(ctx, client, s.Address()+"/events?page="+url.QueryEscape(b.report.Page))
		if err != nil {
			return err
		}
		readers.Go(func() { told <- fetchOnce(ctx, client, events, s.url) })
	}
	own, begun := cputime.Own(), time.Now()
	select {
	case <-time.After(b.Idle):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	percent := 100 * float64(cputime.Own()-own) / float64(time.Since(begun))
	other, err := b.otherPage()
	if err != nil {
		return err
	}
	own = cputime.Own()
	if err := replace.File(s.path, other); err != nil {
		return err
	}
	for range openPages {
		select {
		case err := <-told:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	refresh := ms(cputime.Own() - own)
	b.out.OpenPages, b.out.OpenCPU, b.out.OpenRefreshMS = openPages, &percent, &refresh
	return nil
}

// stream is a stream of events.
type stream struct {
	*bufio.Reader
	io.Closer
}

// follow opens a stream of events. The first line of it says that no change from then on is missed.
func follow(ctx context.Context, client *http.Client, address string) (stream, error) {
	answer, err := ask(ctx, client, address)
	if err != nil {
		return stream{}, err
	}
	events := stream{bufio.NewReader(answer.Body), answer.Body}
	if _, err := events.ReadString('\n'); err != nil {
		return stream{}, errors.Join(fmt.Errorf("follow the events: %w", err), answer.Body.Close())
	}
	return events, nil
}

// fetchOnce waits for the first event and fetches the page as a browser does, compressed. It closes the stream.
func fetchOnce(ctx context.Context, client *http.Client, events stream, page string) (err error) {
	defer func() { err = errors.Join(err, events.Close()) }()
	for {
		line, err := events.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		if !strings.HasPrefix(line, "event: report") {
			continue
		}
		answer, err := ask(ctx, client, page)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return errors.Join(err, answer.Body.Close())
	}
}

func ask(ctx context.Context, client *http.Client, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %s", address, answer.Status), answer.Body.Close())
	}
	return answer, nil
}
