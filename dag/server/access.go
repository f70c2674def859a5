package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// cookieName is the cookie of a browser that came with ?token= once.
const cookieName = "tillflow"

// cookieAge is how long such a browser is known.
const cookieAge = 30 * 24 * time.Hour

// wrongDelay is how long a wrong credential waits for its answer, so that guessing takes its time.
const wrongDelay = 300 * time.Millisecond

// access decides who may read.
type access struct {
	token, user, password string
	key                   string // of the same user's commands
	cookie                string // made of the token, so that a browser does not keep the token itself and is known after a restart, too
	delay                 time.Duration
}

func newAccess(cfg Config) *access {
	a := &access{token: cfg.Token, user: cfg.User, password: cfg.Password, key: rand.Text(), delay: wrongDelay}
	if a.token != "" {
		mac := hmac.New(sha256.New, []byte(a.token))
		mac.Write([]byte("a browser that has shown the token"))
		a.cookie = hex.EncodeToString(mac.Sum(nil))
	}
	return a
}

// guard lets in who has shown a credential; everybody when none is set.
func (a *access) guard(next http.Handler) http.Handler {
	if a.token == "" && a.password == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.token != "" && r.URL.Query().Has("token") {
			a.enter(w, r)
			return
		}
		shown, ok := a.known(r)
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		if shown {
			a.wait(r)
		}
		// A browser asks its user for a name and a password; the token is a password with any name.
		w.Header().Set("WWW-Authenticate", `Basic realm="reports", charset="UTF-8"`)
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "this needs the token or the password of the reports", http.StatusUnauthorized)
	})
}

// enter takes the token out of the address and gives the browser a cookie in its place, so that the token stays neither
// in its history nor in a link that is passed on.
func (a *access) enter(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ok := same(q.Get("token"), a.token)
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		a.wait(r)
		http.Error(w, "this token is not right", http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: a.cookie, Path: "/", MaxAge: int(cookieAge.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	q.Del("token")
	to := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/") // never //elsewhere
	if rest := q.Encode(); rest != "" {
		to += "?" + rest
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// known tells whether a request shows a credential, and whether one of them is right. Each is compared in a time that does
// not tell how much of it is.
func (a *access) known(r *http.Request) (shown, ok bool) {
	if c, err := r.Cookie(cookieName); err == nil && a.cookie != "" && same(c.Value, a.cookie) {
		return true, true
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		value = strings.TrimSpace(value)
		return true, same(value, a.key) || a.token != "" && same(value, a.token)
	}
	user, password, basic := r.BasicAuth()
	if !basic {
		return false, false
	}
	right := a.token != "" && same(password, a.token)
	if a.password != "" {
		named, opens := same(user, a.user), same(password, a.password)
		right = right || named && opens
	}
	return true, right
}

func (a *access) wait(r *http.Request) {
	t := time.NewTimer(a.delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// same compares two texts in constant time, their lengths included.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
