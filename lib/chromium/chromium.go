// Package chromium prints and measures pages with the Chromium of the machine: a PDF of a report, and how fast a page is
// painted. Nothing else needs a browser; without one there is a clear error, and everything else works.
//
// It starts the browser anew each time, in a profile of its own that is deleted at the end, and talks to it over pipes, so
// that no port is open and no other program can drive it.
package chromium

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// ErrNone says that there is no browser to work with.
var ErrNone = errors.New("there is no Chromium on this machine; install one (apt-get install chromium, brew install --cask chromium, " +
	"or Google Chrome), or name the program in CHROMIUM")

// names are the programs that are looked for, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"}

// apps are where the browsers of macOS are, which are in no PATH.
var apps = []string{
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find gives the path of the browser: the program that CHROMIUM names, or the first one of the usual names in PATH. The
// error wraps ErrNone when there is none.
func Find() (string, error) {
	if own := os.Getenv("CHROMIUM"); own != "" {
		path, err := exec.LookPath(own)
		if err != nil {
			return "", fmt.Errorf("CHROMIUM names no program: %w", err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if runtime.GOOS == "darwin" {
		for _, path := range apps {
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", ErrNone
}

// flags are those of every start. The browser talks to no other host, and its sandbox, which does not work for root, is
// left out only there.
func flags(profile string) []string {
	out := []string{"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-extensions", "--hide-scrollbars", "--user-data-dir=" + profile}
	if os.Geteuid() == 0 {
		out = append(out, "--no-sandbox")
	}
	return out
}
