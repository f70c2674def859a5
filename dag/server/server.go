// Package server serves the reports over HTTP: the files of the output folder, a stream of events that tells an open
// page when its file has changed, an index of the reports, the state of the jobs as JSON, metrics and a health check.
//
// It is made to be left open. Pages are compressed once per revision, whoever asks; an open page costs nothing until its
// file changes; who reads too slowly, or opens too much, is cut off.
//
// It listens on loopback unless told otherwise, and on another address only with credentials that each reader must have.
// It answers only requests that name a host it serves, so that a page of another site cannot read it through a name of
// its own (DNS rebinding), and no request that a page of another site has made.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config says what to serve.
type Config struct {
	Listen  string                                                        // host:port; port 0 is any free one
	Out     string                                                        // folder of the rendered reports
	Status  func() any                                                    // for /api/status; made into JSON
	Why     func(job string) (any, bool)                                  // for /api/why/JOB; false when there is no such job; nil serves none
	Runs    func(ctx context.Context, job string, limit int) (any, error) // for /api/runs?job=JOB&limit=N, the newest first; nil serves none
	Metrics func(w io.Writer) error                                       // for /metrics, before those of the pages; nil serves none
	Log     *slog.Logger

	// Ask has a page made that is rendered on demand, such as one of a filter: page is its file name, "dashboard.1h.html".
	// It is called for each page that is requested, and returns once the page is there; and about once a second for each
	// page that somebody keeps open. It is cheap when there is nothing to do. It wraps fs.ErrNotExist when no report has
	// such a page. nil when all pages are made without being asked for.
	Ask func(ctx context.Context, page string) error

	Hosts    []string      // names it is reached by, beside localhost, addresses, and the host of Listen
	Token    string        // what each reader must have, as a bearer, as a password, or once as ?token=; "" asks for none
	User     string        // with Password another way in, by basic authentication
	Password string        //
	Patience time.Duration // how long a reader may take for an answer; 30s by default
	Now      func() time.Time
}

// Limits that no honest reader meets.
const (
	mostStreams = 512
	mostHeader  = 16 << 10 // bytes
)

func (c Config) withDefaults() Config {
	if c.Patience == 0 {
		c.Patience = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Server is a listening server.
type Server struct {
	cfg    Config
	ln     net.Listener
	http   *http.Server
	files  *folder
	hub    *hub
	kept   kept
	access *access
	done   chan struct{}
	tasks  sync.WaitGroup
	end    context.CancelFunc // of the tasks
}

// Listen opens the port and starts to serve. The error of a taken port names it. An address that others can reach is
// refused without credentials.
func Listen(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.Token == "" && cfg.Password == "" && !Loopback(cfg.Listen) {
		return nil, fmt.Errorf("serve reports on %s: others could read them from there; give services.http a token or basic_auth, or listen on 127.0.0.1", cfg.Listen)
	}
	ln, err := listen(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("serve reports on %s: %w; choose another with DAG_LISTEN=host:port", cfg.Listen, err)
	}
	files := newFolder(cfg.Out)
	s := &Server{cfg: cfg, ln: ln, files: files, hub: newHub(files), access: newAccess(cfg), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /{file}", s.file)
	mux.HandleFunc("GET /events", s.events)
	s.api(mux)
	health := http.NewServeMux() // whoever watches over the process need not be let in
	health.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	health.Handle("/", s.access.guard(mux))
	s.http = &http.Server{
		Handler: s.guard(health), ReadHeaderTimeout: min(5*time.Second, cfg.Patience), ReadTimeout: cfg.Patience, WriteTimeout: cfg.Patience,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: mostHeader, ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	s.tasks.Go(func() { s.hub.run(ctx) })
	if cfg.Ask != nil {
		s.tasks.Go(func() { s.keepAsking(ctx) })
	}
	go func() {
		if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
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

// Key lets the other commands of the same user in, as a bearer, whatever the credentials are. It is another one each time.
func (s *Server) Key() string { return s.access.key }

// Close ends open event streams and the server.
func (s *Server) Close(ctx context.Context) error {
	close(s.done)
	s.end()
	defer s.tasks.Wait()
	return s.http.Shutdown(ctx)
}
