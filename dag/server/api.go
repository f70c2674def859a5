package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
)

// mostRuns is the most that /api/runs gives.
const mostRuns = 1000

// api serves what programs ask for: the state of the jobs, why a job runs or not, past runs, and metrics.
func (s *Server) api(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, r *http.Request) { s.json(w, r, s.cfg.Status()) })
	if s.cfg.Why != nil {
		mux.HandleFunc("GET /api/why/{job}", func(w http.ResponseWriter, r *http.Request) {
			v, ok := s.cfg.Why(r.PathValue("job"))
			if !ok {
				http.Error(w, "no job is called "+strconv.Quote(r.PathValue("job"))+"; /api/status lists them", http.StatusNotFound)
				return
			}
			s.json(w, r, v)
		})
	}
	if s.cfg.Runs != nil {
		mux.HandleFunc("GET /api/runs", s.runs)
	}
	if s.cfg.Metrics != nil {
		mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
			var b bytes.Buffer // so that a failure is told as one
			if err := s.cfg.Metrics(&b); err != nil {
				http.Error(w, "the metrics cannot be read", http.StatusInternalServerError)
				s.cfg.Log.Warn("write the metrics", "error", err)
				return
			}
			s.pageMetrics(&b)
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_, _ = w.Write(b.Bytes()) // the reader has gone
		})
	}
}

func (s *Server) runs(w http.ResponseWriter, r *http.Request) {
	limit := 100
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostRuns {
			http.Error(w, "limit must be a number from 1 to "+strconv.Itoa(mostRuns), http.StatusBadRequest)
			return
		}
		limit = n
	}
	v, err := s.cfg.Runs(r.Context(), r.URL.Query().Get("job"), limit)
	if err != nil {
		http.Error(w, "the history cannot be read", http.StatusServiceUnavailable)
		s.cfg.Log.Warn("read the history for a request", "error", err)
		return
	}
	s.json(w, r, v)
}

// json answers with a value.
func (s *Server) json(w http.ResponseWriter, r *http.Request, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		s.cfg.Log.Error("write an answer as JSON", "path", r.URL.Path, "error", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	send(w, r, made(append(text, '\n')))
}

// made is content that was made for one answer: its tag comes from its bytes, so that who asks again and again is sent only
// what is new.
func made(text []byte) content {
	sum := sha256.Sum256(text)
	return content{etag: `"` + hex.EncodeToString(sum[:12]) + `"`, raw: text, packed: func() []byte { return quickGzip(text) }}
}

// quickGzip compresses what is read once; nil when it gains nothing.
func quickGzip(text []byte) []byte {
	if len(text) < 2*minGzip {
		return nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil
	}
	if _, err := z.Write(text); err != nil || z.Close() != nil || b.Len() >= len(text) {
		return nil
	}
	return b.Bytes()
}
