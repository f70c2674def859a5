package server

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Loopback tells whether an address host:port can be reached from this machine only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// guard sets the headers every answer has and refuses requests for another host: a page elsewhere could have its own
// name point here (DNS rebinding) and read the shop's figures through the visitor's browser. An address is no such name.
func (s *Server) guard(next http.Handler) http.Handler {
	names := []string{"localhost"}
	if host, _, err := net.SplitHostPort(s.cfg.Listen); err == nil && host != "" {
		names = append(names, strings.ToLower(host))
	}
	for _, h := range s.cfg.Hosts {
		names = append(names, strings.ToLower(h))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		host := hostOf(r.Host)
		if net.ParseIP(host) == nil && !slices.Contains(names, host) {
			http.Error(w, "this server does not serve "+strconv.Quote(host)+"; services.http.hosts in the dagfile lists the names it has", http.StatusMisdirectedRequest)
			return
		}
		// A proxy in front may speak https.
		if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host && o != "https://"+r.Host {
			http.Error(w, "requests from other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is the name or the address in a Host header, in small letters, without a port, brackets or the dot of the root.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
