package spec

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// HTTP is where the reports are served; without it nothing is.
type HTTP struct {
	Listen    string    `yaml:"listen" doc:"host:port where reports are served; nothing is served without it; one that others can reach needs a token or basic_auth"`
	Hosts     []string  `yaml:"hosts" doc:"names the pages are reached by, such as reports.shop.example; localhost, addresses and the host of listen always are"`
	Token     string    `yaml:"token" doc:"what a reader must have, best \"${DAG_TOKEN}\": as Authorization: Bearer, as the password of any name in a browser, or once as ?token=; none when empty"`
	BasicAuth BasicAuth `yaml:"basic_auth" doc:"a name and a password that a reader must have, beside a token or in place of one"`
}

// BasicAuth is a name and its password.
type BasicAuth struct {
	User     string `yaml:"user" doc:"the name"`
	Password string `yaml:"password" doc:"the password, best \"${DAG_PASSWORD}\""`
}

// Credentials too short to be safe from guessing.
const (
	shortToken    = 16
	shortPassword = 8
)

// Guarded tells whether readers must have something.
func (h HTTP) Guarded() bool { return h.Token != "" || h.BasicAuth.Password != "" }

func (r *reader) http() {
	h, path := r.Services.HTTP, []string{"services", "http"}
	if h.Listen != "" {
		_, port, err := net.SplitHostPort(h.Listen)
		if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
			r.at("such as 127.0.0.1:8501; port 0 is any free one", below(path, "listen"), "listen %q is not host:port", h.Listen)
		}
	}
	for i, name := range h.Hosts {
		if name == "" || strings.ContainsAny(name, ":/* ") {
			r.at("a name alone, such as reports.shop.example, without https:// and without a port", below(path, "hosts", fmt.Sprint(i)), "%q is not the name of a host", name)
		}
	}
	if n := len(h.Token); n > 0 && n < shortToken {
		r.at("openssl rand -hex 16 makes one", below(path, "token"), "a token of %d characters can be guessed; it needs %d", n, shortToken)
	}
	b := h.BasicAuth
	switch n := len(b.Password); {
	case b == BasicAuth{}:
	case b.User == "" || strings.Contains(b.User, ":"):
		r.at("", below(path, "basic_auth"), "basic_auth needs a user, without a colon")
	case n == 0:
		r.at("", below(path, "basic_auth"), "basic_auth needs a password")
	case n < shortPassword:
		r.at("", below(path, "basic_auth", "password"), "a password of %d characters can be guessed; it needs %d", n, shortPassword)
	}
}
