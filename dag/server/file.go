package server

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// file serves one file of the output folder, having it made first when it is a page that is made on demand.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	var askErr error
	if s.cfg.Ask != nil && pageName(name) {
		askErr = s.ask(r, name)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.cfg.Patience)) // what it took to make is not the reader's fault
	}
	rev, err := s.files.read(name)
	switch {
	case errors.Is(err, errTooLong):
		s.long(w, r, name)
	case err == nil:
		w.Header().Set("Content-Type", rev.kind)
		send(w, r, content{etag: rev.rev, raw: rev.raw, packed: rev.gzip})
	case askErr != nil && !errors.Is(askErr, fs.ErrNotExist):
		s.cfg.Log.Warn("make a page that was asked for", "page", name, "error", askErr)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "this page could not be made now; the log says why", http.StatusServiceUnavailable)
	default:
		http.NotFound(w, r)
	}
}

// long sends a file from the disk.
func (s *Server) long(w http.ResponseWriter, r *http.Request, name string) {
	f, st, err := s.files.open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", mediaType(name))
	w.Header().Set("Cache-Control", cacheControl)
	w.Header().Set("ETag", rev(st))
	http.ServeContent(w, r, name, st.ModTime(), f)
}

// cacheControl lets the reader's own browser keep an answer, if it asks each time whether there is a newer one.
const cacheControl = "private, no-cache"

// content is an answer that a reader may have already.
type content struct {
	etag   string // with its quotation marks
	raw    []byte
	packed func() []byte // raw compressed by gzip, or nil
}

// send answers with a content: 304 when the reader has it, compressed when the reader takes that.
func send(w http.ResponseWriter, r *http.Request, c content) {
	h := w.Header()
	h.Set("Cache-Control", cacheControl)
	h.Add("Vary", "Accept-Encoding")
	zipped := strings.TrimSuffix(c.etag, `"`) + `-gz"` // another form of the same has another name
	if has(r.Header.Values("If-None-Match"), c.etag, zipped) {
		h.Set("ETag", c.etag)
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if takesGzip(r) && r.Header.Get("Range") == "" {
		if b := c.packed(); b != nil {
			h.Set("ETag", zipped)
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(b)))
			_, _ = w.Write(b) // the reader has gone
			return
		}
	}
	h.Set("ETag", c.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.raw)) // without a time: two revisions may be of one second
}

// has tells whether If-None-Match names one of the tags.
func has(header []string, tags ...string) bool {
	for _, line := range header {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			for _, t := range tags {
				if part == t || part == "*" {
					return true
				}
			}
		}
	}
	return false
}

// takesGzip tells whether the reader takes gzip: it is named, or everything is, and not with a quality of 0.
func takesGzip(r *http.Request) bool {
	takes := false
	for _, line := range r.Header.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			coding, param, _ := strings.Cut(part, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(param), " ", ""), "q=")
			quality, err := strconv.ParseFloat(q, 64)
			wanted := !ok || err == nil && quality > 0
			switch coding {
			case "gzip", "x-gzip":
				return wanted
			case "*":
				takes = wanted
			}
		}
	}
	return takes
}
