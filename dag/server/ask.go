package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	askPatience = 30 * time.Second // how long a visitor waits for a page that is made on demand
	askEvery    = time.Second      // how often a page that somebody keeps open is asked for again
)

// pageName tells whether a file name may be that of a page.
func pageName(name string) bool { return strings.HasSuffix(name, ".html") && served(name) }

// ask has a page made, or made anew if it has to be, and waits for it.
func (s *Server) ask(r *http.Request, page string) error {
	ctx, cancel := context.WithTimeout(r.Context(), askPatience)
	defer cancel()
	return s.cfg.Ask(ctx, page)
}

// kept are the pages that somebody keeps open, each with how many do, so that those made on demand go on being made.
type kept struct {
	mu    sync.Mutex
	pages map[string]int
}

// open notes a page until the returned function is called.
func (k *kept) open(page string) func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pages == nil {
		k.pages = map[string]int{}
	}
	k.pages[page]++
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.pages[page]--; k.pages[page] == 0 {
			delete(k.pages, page)
		}
	}
}

func (k *kept) list() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	pages := make([]string, 0, len(k.pages))
	for p := range k.pages {
		pages = append(pages, p)
	}
	return pages
}

// keepAsking asks for the open pages until ctx ends: each once at a time, whether one visitor has it open or a hundred, and
// none waits for another.
func (s *Server) keepAsking(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	var busy sync.Map
	t := time.NewTicker(askEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, page := range s.kept.list() {
			if _, already := busy.LoadOrStore(page, true); already {
				continue
			}
			asking.Go(func() {
				defer busy.Delete(page)
				actx, cancel := context.WithTimeout(ctx, askPatience)
				defer cancel()
				if err := s.cfg.Ask(actx, page); err != nil && !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
					s.cfg.Log.Debug("make an open page", "page", page, "error", err)
				}
			})
		}
	}
}
