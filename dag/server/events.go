package server

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// watchEvery is how often the output folder is looked at while a page is open. A look costs one directory read; a
// notification service of the system would need a module and differ between systems.
const watchEvery = 250 * time.Millisecond

// watcher knows the revision of each file in a folder. All open pages share one look at a time.
type watcher struct {
	dir  string
	mu   sync.Mutex
	read time.Time
	revs map[string]string
}

func newWatcher(dir string) *watcher { return &watcher{dir: dir} }

// list gives the revision of each file, at most watchEvery old. The map must not be changed.
func (w *watcher) list() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.read) < watchEvery {
		return w.revs
	}
	revs := map[string]string{}
	entries, _ := os.ReadDir(w.dir) // no folder yet: no files
	for _, e := range entries {
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			revs[e.Name()] = rev(st)
		}
	}
	w.read, w.revs = time.Now(), revs
	return revs
}

// events tells an open page, as server-sent events, which files changed since it asked.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "streaming is not supported here", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	seen := s.files.list() // before the first line goes out: whoever has read it misses no change from then on
	fmt.Fprint(w, "retry: 1000\n\n")
	flusher.Flush()
	tick, alive := time.NewTicker(watchEvery), time.NewTicker(15*time.Second)
	defer tick.Stop()
	defer alive.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		case <-alive.C:
			fmt.Fprint(w, ": alive\n\n")
		case <-tick.C:
			now := s.files.list()
			for name, rev := range now {
				if seen[name] != rev {
					fmt.Fprintf(w, "event: report\ndata: {\"file\":%q,\"rev\":%s}\n\n", name, rev)
				}
			}
			seen = now
		}
		flusher.Flush()
	}
}
