package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// mostRuns is the most that /api/runs gives.
const mostRuns = 1000

// api serves what programs ask for, beside the status: why a job runs or not, past runs, and metrics.
func (s *Server) api(mux *http.ServeMux) {
	if s.cfg.Why != nil {
		mux.HandleFunc("GET /api/why/{job}", func(w http.ResponseWriter, r *http.Request) {
			v, ok := s.cfg.Why(r.PathValue("job"))
			if !ok {
				http.Error(w, "no job is called "+strconv.Quote(r.PathValue("job"))+"; /api/status lists them", http.StatusNotFound)
				return
			}
			s.json(w, v)
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
	s.json(w, v)
}

// json answers with a value that is never stored by the reader.
func (s *Server) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.cfg.Log.Debug("write an answer", "error", err)
	}
}
