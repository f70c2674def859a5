package chromium

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where no browser is, the error says what to do about it.
func TestFindWithout(t *testing.T) {
	t.Setenv("CHROMIUM", "")
	t.Setenv("PATH", t.TempDir())
	if path, err := Find(); err == nil { // a machine whose browser is an application of its own
		if !filepath.IsAbs(path) {
			t.Errorf("found %q", path)
		}
	} else if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "apt-get install chromium") {
		t.Error(err)
	}
	t.Setenv("CHROMIUM", "no-such-browser")
	if _, err := Find(); err == nil || !strings.Contains(err.Error(), "CHROMIUM names no program") {
		t.Error(err)
	}
}

func TestFindInPath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"google-chrome", "chromium"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CHROMIUM", "")
	t.Setenv("PATH", dir)
	if path, err := Find(); err != nil || path != filepath.Join(dir, "chromium") {
		t.Error(path, err)
	}
	t.Setenv("CHROMIUM", filepath.Join(dir, "google-chrome"))
	if path, err := Find(); err != nil || path != filepath.Join(dir, "google-chrome") {
		t.Error(path, err)
	}
}

// A program that prints nothing, fails or writes something else is told with what it said.
func TestPDFOfABrowserThatFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chromium")
	t.Setenv("CHROMIUM", path)
	for script, want := range map[string]string{
		"echo no screen >&2; exit 3": "no screen",
		"exit 0":                     "page.pdf",
		`for a; do case $a in --print-to-pdf=*) echo text > "${a#*=}";; esac; done`: "wrote no PDF",
	} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := PDF(t.Context(), []byte("<p>page</p>")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func ExampleFind() {
	old, had := os.LookupEnv("CHROMIUM")
	defer func() {
		if had {
			_ = os.Setenv("CHROMIUM", old)
		} else {
			_ = os.Unsetenv("CHROMIUM")
		}
	}()
	_ = os.Setenv("CHROMIUM", "no-such-browser")
	_, err := Find()
	fmt.Println(err)
	// Output: CHROMIUM names no program: exec: "no-such-browser": executable file not found in $PATH
}
