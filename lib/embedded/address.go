//go:build unix

package embedded

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Port returns the port on 127.0.0.1.
func (pg *Postgres) Port() int { return pg.port }

// PassFile returns the file with the password, in the form PGPASSFILE wants.
func (pg *Postgres) PassFile() string { return passFilePath(pg.cfg.State) }

// URL returns an address for any client on this machine. It names the file with the password instead of holding it;
// libpq and pgx read it from there.
func (pg *Postgres) URL() string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User("postgres"),
		Host:     net.JoinHostPort("localhost", strconv.Itoa(pg.port)),
		Path:     "/" + pg.cfg.Database,
		RawQuery: query(url.Values{"sslmode": {"disable"}, "passfile": {pg.PassFile()}}),
	}
	return u.String()
}

// SocketURL returns an address over the private socket, for this process and others of root or the server's user. It
// is faster than TCP and needs no password.
func (pg *Postgres) SocketURL() string { return pg.socketURL(pg.cfg.Database) }

func (pg *Postgres) socketURL(database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.User("postgres"),
		Path:   "/" + database,
		RawQuery: query(url.Values{
			"host": {pg.socket}, "port": {strconv.Itoa(pg.port)}, "sslmode": {"disable"},
		}),
	}
	return u.String()
}

// query writes parameters as libpq and pgx read them: a blank is %20, for a + stands for itself to both.
func query(v url.Values) string { return strings.ReplaceAll(v.Encode(), "+", "%20") }
