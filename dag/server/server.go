// Package server serves the reports over HTTP: the files of the output folder, a stream of events that tells an open
// page when its file has changed, the state of the jobs as JSON, and a health check. It listens on loopback unless told
// otherwise and answers only requests that name the host it serves, so that a page of another site cannot read it.
package server

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what to serve.
type Config struct {
	Listen  string                                                        // host:port; port 0 is any free one
	Out     string                                                        // folder of the rendered reports
	Status  func() any                                                    // for /api/status; made into JSON
	Why     func(job string) (any, bool)                                  // for /api/why/JOB; false when there is no such job; nil serves none
	Runs    func(ctx context.Context, job string, limit int) (any, error) // for /api/runs?job=JOB&limit=N, the newest first; nil serves none
	Metrics func(w io.Writer) error                                       // for /metrics; nil serves none
	Log     *slog.Logger
}

// Server is a listening server.
type Server struct {
	cfg   Config
	ln    net.Listener
	http  *http.Server
	files *watcher
	done  chan struct{}
}

// Listen opens the port and starts to serve. The error of a taken port names it.
func Listen(cfg Config) (*Server, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("serve reports on %s: %w; choose another with DAG_LISTEN=host:port", cfg.Listen, err)
	}
	s := &Server{cfg: cfg, ln: ln, files: newWatcher(cfg.Out), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /{file}", s.file)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /api/status", s.status)
	s.api(mux)
	s.http = &http.Server{Handler: s.guard(mux), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)}
	go func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error("the report server ended", "error", err)
		}
	}()
	return s, nil
}

// Address is where a browser finds the server.
func (s *Server) Address() string {
	host, port, _ := net.SplitHostPort(s.ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Close ends open event streams and the server.
func (s *Server) Close(ctx context.Context) error {
	close(s.done)
	return s.http.Shutdown(ctx)
}

// guard sets the headers every answer has and refuses requests for another host: a page elsewhere could have its own
// name point here (DNS rebinding) and read the shop's figures through the visitor's browser.
func (s *Server) guard(next http.Handler) http.Handler {
	listen, _, _ := net.SplitHostPort(s.cfg.Listen)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		ip := net.ParseIP(host)
		if ip == nil && host != "localhost" && host != listen {
			http.Error(w, "this server does not serve "+strconv.Quote(host), http.StatusMisdirectedRequest)
			return
		}
		if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
			http.Error(w, "requests from other sites are refused", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		next.ServeHTTP(w, r)
	})
}

// file serves one file of the output folder. os.Root keeps the path inside, links included.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(s.cfg.Out)
	if err != nil {
		http.Error(w, "no report was rendered yet", http.StatusNotFound)
		return
	}
	defer root.Close()
	name := r.PathValue("file")
	f, err := root.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || strings.HasPrefix(name, ".") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", rev(st))
	http.ServeContent(w, r, path.Base(name), st.ModTime(), f)
}

func rev(st fs.FileInfo) string {
	return `"` + strconv.FormatInt(st.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(st.Size(), 36) + `"`
}

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2"><meta name="color-scheme" content="light dark"><title>Reports</title></head>
<body><h1>Reports</h1>
{{if .}}<ul>{{range .}}<li><a href="/{{.}}">{{.}}</a></li>{{end}}</ul>{{else}}<p>The first report is being made.</p>{{end}}
</body></html>
`))

// index sends a visitor to the only report, or lists them.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	var pages []string
	for name := range s.files.list() {
		if strings.HasSuffix(name, ".html") {
			pages = append(pages, name)
		}
	}
	slices.Sort(pages)
	if len(pages) == 1 {
		http.Redirect(w, r, "/"+pages[0], http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	if err := indexPage.Execute(w, pages); err != nil {
		s.cfg.Log.Debug("write the index", "error", err)
	}
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { s.json(w, s.cfg.Status()) }
