//go:build browser

package notebook_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tillflow/lib/notebook"
)

var pagesDir = flag.String("pages", "", "folder of finished pages, such as .ci/once makes: they are held to the same rules as those of the tests")

// The two tools that judge pages, as npm names them. They go to the user's cache, never into the repository.
var webTools = []string{"axe-core@4.14.1", "html-validate@10.17.0"}

// nodeModules gives the folder of the tools, installed when they are not there yet.
var nodeModules = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "tillflow", strings.NewReplacer("@", "-").Replace(strings.Join(webTools, "-")))
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "npm-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	args := append([]string{"install", "--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"}, webTools...)
	if out, err := exec.Command("npm", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm %s: %w (install the packages nodejs and npm, or run the tests without -tags browser)\n%s", strings.Join(args, " "), err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(modules); there != nil { // nor has another process been faster
			return "", err
		}
	}
	return modules, nil
})

func tool(t testing.TB, path string) string {
	t.Helper()
	modules, err := nodeModules()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(modules, filepath.FromSlash(path))
}

// judged writes the pages that must keep to the rules into a folder: every kind of cell, of hostile names too; all states
// of a cell; a page whose every query failed; one without rows; and what -pages holds.
func judged(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	nothing := data(t)
	nothing.Results = nil
	var files []string
	for name, d := range map[string]*notebook.Data{"states": data(t), "kinds": hostile(t), "waiting": nothing,
		"fields": fields(t, []string{"Sunday", hostileNames[0], hostileNames[1]})} {
		page, _ := draw(t, d)
		files = append(files, filepath.Join(dir, name+".html"))
		if err := os.WriteFile(files[len(files)-1], []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if *pagesDir != "" {
		made, err := filepath.Glob(filepath.Join(*pagesDir, "*.html"))
		if err != nil || len(made) == 0 {
			t.Fatalf("no pages in -pages %s", *pagesDir)
		}
		files = append(files, oneOfEach(made)...)
	}
	slices.Sort(files)
	return files
}

// oneOfEach leaves out the pages that are made from the same report for other values: the first one tells.
func oneOfEach(files []string) (out []string) {
	seen := map[string]bool{}
	for _, f := range files {
		parts := strings.Split(filepath.Base(f), ".") // NAME.VALUE.html
		kind := fmt.Sprint(parts[0], len(parts) > 2)
		if !seen[kind] {
			out = append(out, f)
		}
		seen[kind] = true
	}
	return out
}

// TestBrowserAxe holds pages to axe-core: WCAG 2.2 A and AA and its best practices, in light and dark, wide and narrow,
// with all that opens open and each tab in turn. Where dark differs from light is colours, and so only those are looked at
// again.
func TestBrowserAxe(t *testing.T) {
	axe, err := os.ReadFile(tool(t, "axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		everything = `{ rules: { 'target-size': { enabled: true } } }`
		colours    = `{ runOnly: ['color-contrast', 'link-in-text-block'] }`
	)
	b := startBrowser(t)
	var looks, kept, undecided int
	for _, file := range judged(t) {
		for _, width := range []int{1280, 390} {
			p := b.open(t, "file://"+file, width, 900)
			p.until(t, `document.documentElement.dataset.live !== undefined`)
			p.eval(t, string(axe)+"\n;document.querySelector('#pause').click()")
			look := func(scheme, part, options string) {
				var found struct {
					Passed, Undecided int
					Violations        []string
				}
				decode(t, p.eval(t, `axe.run(`+part+`, `+options+`).then((r) => JSON.stringify({ Passed: r.passes.length, Undecided: r.incomplete.flatMap((v) => v.nodes).length,
					Violations: r.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 200) + ' | ' + n.failureSummary)) }))`), &found)
				for _, v := range found.Violations {
					t.Errorf("%s, %d px, %s: %s", filepath.Base(file), width, scheme, v)
				}
				if found.Passed == 0 {
					t.Errorf("%s, %d px, %s: axe looked at nothing", filepath.Base(file), width, scheme)
				}
				looks, kept, undecided = looks+1, kept+found.Passed, undecided+found.Undecided
			}
			p.eval(t, `document.querySelectorAll('main details').forEach((d) => { d.open = true; })`)
			tabs := int(p.eval(t, `Math.max(0, ...[...document.querySelectorAll('.tabs')].map((e) => e.querySelectorAll('input').length))`).(float64))
			for n := range max(1, tabs) {
				part := "document"
				if n > 0 {
					part = "'.tabs'"
					p.eval(t, fmt.Sprintf(`document.querySelectorAll('.tabs').forEach((e) => e.querySelectorAll('input')[%d]?.click())`, n))
				}
				p.media(t, "", "light")
				look("light", part, everything)
				p.media(t, "", "dark")
				look("dark", part, colours)
			}
			p.close(t)
		}
	}
	if !t.Failed() {
		t.Logf("axe-core: %d looks, %d rules kept, no violation; %d contrasts it cannot decide", looks, kept, undecided)
	}
}

// TestBrowserValidHTML holds pages to the HTML standard, as html-validate reads it.
func TestBrowserValidHTML(t *testing.T) {
	config := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(config, []byte(`{"root":true,"extends":["html-validate:standard"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	files := judged(t)
	out, err := exec.Command("node", append([]string{tool(t, "html-validate/bin/html-validate.mjs"), "--config", config, "--formatter", "json"}, files...)...).Output()
	var reports []struct {
		FilePath string
		Messages []struct {
			RuleID, Message string
			Line, Column    int
		}
	}
	if e := json.Unmarshal(out, &reports); e != nil {
		t.Fatalf("html-validate: %v, %v\n%s", err, e, out)
	}
	for _, r := range reports {
		for _, m := range r.Messages {
			t.Errorf("%s:%d:%d: %s (%s)", filepath.Base(r.FilePath), m.Line, m.Column, m.Message, m.RuleID)
		}
	}
	if !t.Failed() {
		t.Logf("html-validate: %d pages, no error", len(files))
	}
}
