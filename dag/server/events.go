package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// aliveEvery is how often a silent stream says that it is there, so that proxies leave it open and its end is noticed.
const aliveEvery = 15 * time.Second

// slowest is how long a reader of events may take for one.
const slowest = 10 * time.Second

// hub looks at the folder for all open pages together and wakes those whose file has changed. While no page is open it does
// nothing.
type hub struct {
	files *folder
	come  chan struct{} // holds a token when the first page has come

	mu   sync.Mutex
	seen map[string]string
	open map[*listener]bool
}

// listener is an open page, or one that wants to know of all.
type listener struct {
	page string // "" is all
	wake chan struct{}

	mu   sync.Mutex
	news map[string]string // files and their revisions that it was not told of yet
}

func newHub(files *folder) *hub {
	return &hub{files: files, come: make(chan struct{}, 1), open: map[*listener]bool{}}
}

// join begins to listen: of every change from now on. The returned function ends it. It is false when too many listen.
func (h *hub) join(page string) (*listener, func(), bool) {
	l := &listener{page: page, wake: make(chan struct{}, 1), news: map[string]string{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.open) >= mostStreams {
		return nil, nil, false
	}
	if len(h.open) == 0 {
		h.seen = h.files.list()
	} else {
		h.tell(h.files.list()) // so that the others miss nothing, and this one hears of nothing that was before it
	}
	h.open[l] = true
	select {
	case h.come <- struct{}{}:
	default:
	}
	return l, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.open, l)
	}, true
}

// tell wakes those whose files have changed. The caller holds mu.
func (h *hub) tell(now map[string]string) {
	for name, rev := range now {
		if h.seen[name] == rev {
			continue
		}
		for l := range h.open {
			if l.page != "" && l.page != name {
				continue
			}
			l.mu.Lock()
			l.news[name] = rev
			l.mu.Unlock()
			select {
			case l.wake <- struct{}{}:
			default:
			}
		}
	}
	h.seen = now
}

// run looks until ctx ends.
func (h *hub) run(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		h.mu.Lock()
		idle := len(h.open) == 0
		if !idle {
			h.tell(h.files.list())
		}
		h.mu.Unlock()
		if !idle {
			continue
		}
		t.Stop()
		select {
		case <-ctx.Done():
			return
		case <-h.come:
			t.Reset(watchEvery)
		}
	}
}

// take gives what there is to tell.
func (l *listener) take() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := l.news
	l.news = map[string]string{}
	return news
}

// events tells an open page, as server-sent events, which files changed since it asked. With ?page=NAME only of that one.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	page := r.URL.Query().Get("page")
	if page != "" && !pageName(page) {
		http.Error(w, "page is the name of a page, such as dashboard.html", http.StatusBadRequest)
		return
	}
	l, leave, ok := s.hub.join(page) // before the first line goes out: whoever has read it misses no change from then on
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	if page != "" {
		defer s.kept.open(page)()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects would hold the news back
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // nothing more is read, for as long as the page is open
	write := func(text string) bool {
		if c.SetWriteDeadline(time.Now().Add(slowest)) != nil {
			return false
		}
		if _, err := io.WriteString(w, text); err != nil {
			return false
		}
		return c.Flush() == nil
	}
	if !write("retry: 1000\n\n") {
		return
	}
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		case <-alive.C:
			if !write(": alive\n\n") {
				return
			}
		case <-l.wake:
			text := ""
			for name, rev := range l.take() {
				text += fmt.Sprintf("event: report\ndata: {\"file\":%q,\"rev\":%s}\n\n", name, rev)
			}
			if text != "" && !write(text) {
				return
			}
		}
	}
}
