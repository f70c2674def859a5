//go:build unix

package embedded

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

func TestNewestServerComesFirst(t *testing.T) {
	t.Parallel()
	got := newestFirst([]string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/17/bin", "/opt/postgresql/bin", "/usr/lib/postgresql/15/bin"})
	want := []string{"/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.6/bin", "/opt/postgresql/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// program writes a folder with a postgres that says its version.
func programs(t *testing.T, postgres string, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"postgres": postgres, "initdb": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestServersThatWillNotDo(t *testing.T) {
	t.Parallel()
	self := account{name: "me", uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	says := func(line string) string { return "#!/bin/sh\necho '" + line + "'\n" }
	for name, c := range map[string]struct {
		dir   string
		major int
		want  string
	}{
		"no_such_folder": {"/no/such/folder", 0, "no such file"},
		"not_a_program":  {programs(t, "", 0o644), 0, "is not a program"},
		"fails":          {programs(t, "#!/bin/sh\necho broken; exit 3\n", 0o755), 0, "exit status 3 broken"},
		"something_else": {programs(t, says("hello"), 0o755), 0, `says "hello"`},
		"too_old":        {programs(t, says("postgres (PostgreSQL) 9.6.24"), 0o755), 0, "too old"},
		"other_version":  {programs(t, says("postgres (PostgreSQL) 17.5 (Debian)"), 0o755), 15, "version 15 made"},
		"good":           {programs(t, says("postgres (PostgreSQL) 17.5 (Debian)"), 0o755), 17, ""},
		"beta":           {programs(t, says("postgres (PostgreSQL) 19beta1"), 0o755), 0, ""},
	} {
		_, err := tryBinaries(t.Context(), c.dir, c.major, self)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A version that neither this machine nor the library has: the error names what was tried and how to get a server.
func TestNoServerTellsHowToGetOne(t *testing.T) {
	t.Parallel()
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	_, err = findBinaries(t.Context(), "", 13, acct)
	if err == nil {
		t.Fatal("found a Postgres 13")
	}
	for _, want := range []string{"version 13", "can be fetched", "apt install postgresql", "brew install", "TILLFLOW_POSTGRES_BIN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

// A repository of our own, with the form of the public one and a server of two scripts.
func TestFetch(t *testing.T) {
	t.Parallel()
	const version = embeddedpostgres.V17
	jar := archive(t, map[string]string{
		"bin/postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 17.5'\n",
		"bin/initdb":   "#!/bin/sh\n",
	})
	sum := sha256.Sum256(jar)
	var requests atomic.Int32
	serve := func(checksum string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			switch {
			case !strings.Contains(r.URL.Path, "/io/zonky/test/postgres/embedded-postgres-binaries-"):
				http.NotFound(w, r)
			case strings.HasSuffix(r.URL.Path, ".sha256"):
				fmt.Fprint(w, checksum)
			default:
				_, _ = w.Write(jar)
			}
		}))
		t.Cleanup(s.Close)
		return s
	}
	good, bad := serve(hex.EncodeToString(sum[:])), serve(strings.Repeat("0", 64))

	cache := t.TempDir()
	if _, err := fetchInto(t.Context(), cache, version, bad.URL); err == nil || !strings.Contains(err.Error(), "checksums do not match") {
		t.Errorf("a changed archive: %v", err)
	}
	dir, err := fetchInto(t.Context(), cache, version, good.URL)
	if err != nil {
		t.Fatal(err)
	}
	self := account{name: "me", uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	if b, err := tryBinaries(t.Context(), dir, 17, self); err != nil || b.major != 17 {
		t.Errorf("the fetched server: %v %v", b, err)
	}
	before := requests.Load()
	again, err := fetchInto(t.Context(), cache, version, good.URL)
	if err != nil || again != dir || requests.Load() != before {
		t.Errorf("the second call: %s %v, %d requests", again, err, requests.Load()-before)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 1 {
		t.Errorf("the cache holds %v, %v; want only the server", left, err)
	}
}

// archive packs files as the repository does: a zip that holds a tar.xz.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	tw := tar.NewWriter(&packed)
	for name, text := range files {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	zw := zip.NewWriter(&jar)
	w, err := zw.Create("postgres-linux-x86_64.txz")
	if err == nil {
		_, err = w.Write(storedXZ(packed.Bytes()))
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
