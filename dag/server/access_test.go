package server_test

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"tillflow/dag/server"
)

const (
	token    = "a-token-that-is-long"
	password = "hunter2-and-more"
)

func TestOthersNeedACredential(t *testing.T) {
	t.Parallel()
	for listen, refused := range map[string]bool{
		"0.0.0.0:0": true, ":0": true, "[::]:0": true, "192.0.2.1:0": true, "reports.shop.example:0": true, "127.0.0.2:0": false, "localhost:0": false,
	} {
		s, err := server.Listen(server.Config{Listen: listen, Out: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			_ = s.Close(t.Context())
		}
		if got := err != nil && strings.Contains(err.Error(), "give services.http a token or basic_auth"); got != refused {
			t.Errorf("%s: %v", listen, err)
		}
	}
	s, err := server.Listen(server.Config{Listen: "0.0.0.0:0", Out: t.TempDir(), Token: token, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever has nothing to show reads nothing, not even which pages there are; the health check is open.
func TestCredentials(t *testing.T) {
	out := t.TempDir()
	replace(t, out, "page.html", "figures")
	both := serve(t, out, func(c *server.Config) { c.Token, c.User, c.Password = token, "shop", password })
	onlyToken := serve(t, out, func(c *server.Config) { c.Token = token })
	onlyPassword := serve(t, out, func(c *server.Config) { c.User, c.Password = "shop", password })
	open := serve(t, out)
	bearer := func(v string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+v) }
	}
	basic := func(user, password string) func(r *http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	cookie := func(v string) func(r *http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "tillflow", Value: v}) }
	}
	for name, c := range map[string]struct {
		server *server.Server
		show   func(r *http.Request)
		code   int
	}{
		"nothing":                   {both, nil, 401},
		"token":                     {both, bearer(token), 200},
		"small_letters":             {both, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }, 200},
		"wrong_token":               {both, bearer(token + "x"), 401},
		"start_of_the_token":        {both, bearer(token[:8]), 401},
		"empty_token":               {both, bearer(""), 401},
		"name_and_password":         {both, basic("shop", password), 200},
		"other_name":                {both, basic("shopper", password), 401},
		"password_as_token":         {both, bearer(password), 401},
		"token_as_password":         {both, basic("whoever", token), 200},
		"cookie_of_ones_own_making": {both, cookie(token), 401},
		"empty_cookie":              {both, cookie(""), 401},
		"other_scheme":              {both, func(r *http.Request) { r.Header.Set("Authorization", "Digest "+token) }, 401},
		"key_of_own_commands":       {both, bearer(both.Key()), 200},
		"key_of_another_start":      {both, bearer(onlyToken.Key()), 401},
		"empty_password_of_none":    {onlyToken, basic("", ""), 401},
		"empty_token_of_none":       {onlyPassword, bearer(""), 401},
		"empty_cookie_of_no_token":  {onlyPassword, cookie(""), 401},
		"password_alone":            {onlyPassword, basic("shop", password), 200},
		"token_where_none_is":       {onlyPassword, basic("shop", token), 401},
		"nobody_is_asked":           {open, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a wrong one waits
			for _, path := range []string{"/page.html", "/api/status", "/metrics", "/none.html", "/events"} {
				if path == "/events" && c.code == 200 {
					continue // which would go on
				}
				code, body, h := get(t, c.server.Address()+path, c.show)
				if path == "/none.html" && c.code == 200 {
					if code != 404 {
						t.Errorf("%s: %d", path, code)
					}
					continue
				}
				if code != c.code || code == 401 && (strings.Contains(body, "figures") || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic ")) {
					t.Errorf("%s: %d, want %d, %q %v", path, code, c.code, body, h)
				}
			}
			if code, _, _ := get(t, c.server.Address()+"/healthz", c.show); code != 200 {
				t.Errorf("health: %d", code)
			}
		})
	}
}

// A browser that comes with the token once is known from then on, and the token leaves the address at once.
func TestATokenInTheAddress(t *testing.T) {
	out := t.TempDir()
	replace(t, out, "page.html", "figures")
	guarded := func(c *server.Config) { c.Token = token }
	s := serve(t, out, guarded)
	code, body, h := get(t, s.Address()+"/page.html?token="+token+"&period=7d", nil)
	if code != http.StatusSeeOther || h.Get("Location") != "/page.html?period=7d" || strings.Contains(body+h.Get("Set-Cookie"), token) {
		t.Fatalf("%d %v", code, h)
	}
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(h.Get("Set-Cookie"), part) {
			t.Errorf("the cookie lacks %s: %s", part, h.Get("Set-Cookie"))
		}
	}
	if strings.Contains(h.Get("Set-Cookie"), "Secure") {
		t.Error("the cookie would not come back over http")
	}
	if _, _, h := get(t, s.Address()+"/?token="+token, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }); !strings.Contains(h.Get("Set-Cookie"), "Secure") {
		t.Errorf("behind https the cookie may go over http: %v", h)
	}
	if _, _, h := get(t, s.Address()+"//evil.example/?token="+token, nil); strings.HasPrefix(h.Get("Location"), "//") {
		t.Errorf("sent elsewhere: %v", h)
	}
	if code, _, h := get(t, s.Address()+"/page.html?token=wrong", nil); code != 401 || h.Get("Set-Cookie") != "" {
		t.Errorf("a wrong token: %d %v", code, h)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	visit := func(url string) int {
		t.Helper()
		resp, err := browser.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := visit(s.Address() + "/page.html"); code != 401 {
		t.Errorf("before: %d", code)
	}
	if code := visit(s.Address() + "/?token=" + token); code != 200 { // over to the only page
		t.Errorf("with the token: %d", code)
	}
	if code := visit(s.Address() + "/page.html"); code != 200 {
		t.Errorf("after: %d", code)
	}
	// And by a server that has started anew, but not by one with another token. Cookies know no ports.
	if code := visit(serve(t, out, guarded).Address() + "/page.html"); code != 200 {
		t.Errorf("after a restart: %d", code)
	}
	if code := visit(serve(t, out, func(c *server.Config) { c.Token = token + "2" }).Address() + "/page.html"); code != 401 {
		t.Errorf("after the token was changed: %d", code)
	}
}
