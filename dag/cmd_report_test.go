package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// Each file in testdata/report_mistakes is a report; beside it stands what a person reads of it.
func TestReportMistakes(t *testing.T) {
	files, err := filepath.Glob("../testdata/report_mistakes/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
			code, stdout, stderr := dag(t, "report", "validate", file)
			if want := map[bool]int{true: 2, false: 0}[stdout == ""]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			golden.Check(t, strings.TrimSuffix(file, ".md")+".golden", []byte(stderr+stdout))
		})
	}
}

// `dag validate` reads the report files of all jobs, each once.
func TestValidateReadsTheReports(t *testing.T) {
	code, stdout, stderr := dag(t, "validate", "-f", "../testdata/report_mistakes/dagfile.yaml")
	if code != 2 || stdout != "" {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
	golden.Check(t, "../testdata/report_mistakes/dagfile.golden", []byte(stderr))
	if code, same, _ := dag(t, "report", "validate", "-f", "../testdata/report_mistakes/dagfile.yaml"); code != 2 || !strings.Contains(same, "unused.md: no problem, 2 warnings") {
		t.Errorf("exit code %d, output %q", code, same)
	}
	if code, stdout, stderr := dag(t, "validate", "-f", "../dagfile.yaml"); code != 0 || !strings.Contains(stdout, "report file") || stderr != "" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestReportValidateForPrograms(t *testing.T) {
	code, stdout, stderr := dag(t, "report", "validate", "../testdata/report_mistakes/unused.md", "../testdata/report_mistakes/order.md", "-o", "json")
	var found []struct {
		File, Severity, Message, Hint string
		Line, Column                  int
	}
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || code != 2 || stderr != "" {
		t.Fatalf("%v, exit code %d, %s", err, code, stderr)
	}
	if len(found) != 6 || found[0].Severity != "warning" || found[0].Line != 3 || found[5].Severity != "error" || found[5].Column != 4 || found[5].Hint == "" {
		t.Errorf("%+v", found)
	}
}

func TestReportWrongUse(t *testing.T) {
	dagfile := "../testdata/report_mistakes/dagfile.yaml"
	for args, want := range map[string]string{
		"":                    "say what to do: dag report new|validate|",
		"rendr x":             `"rendr" is nothing that dag report does (did you mean "render"?)`,
		"render":              "name one report",
		"watch a.md b.md":     "name one report",
		"watch x.md --port 7": `there is no file "x.md"`,
		"render ../testdata/report_mistakes/ordr.md":                     `(did you mean "../testdata/report_mistakes/order.md"?)`,
		"render report.wrnog":                                            `neither a report file nor a job that renders one (did you mean "report.wrong"?)`,
		"render report.wrong":                                            "4 problems in ../testdata/report_mistakes/order.md",
		"render ../testdata/report_mistakes/unused.md --param perid=1h":  `no parameter "perid" (did you mean "period"?)`,
		"render ../testdata/report_mistakes/unused.md --param period":    "write it as name=value",
		"render ../testdata/report_mistakes/unused.md --as-of yesterday": `--as-of "yesterday" is not a time`,
		"validate ../testdata/report_mistakes/unused.md -o xml":          "-o xml is not known; text or json",
		"watch ../testdata/report_mistakes/unused.md --port -1":          "--port is -1",
		"new": "name the report",
		"new ../testdata/report_mistakes/unused.md": "is there already",
		"new parts/x": "neither a name nor a file that ends with .md",
	} {
		state := filepath.Join(t.TempDir(), "state")
		code, _, stderr := dag(t, append(append([]string{"report"}, strings.Fields(args)...), "-f", dagfile, "--state", state)...)
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("dag report %s: exit code %d, %q, want %q", args, code, stderr, want)
		}
		if _, err := os.Stat(filepath.Join(state, "postgres.log")); err == nil {
			t.Errorf("dag report %s started a server", args)
		}
	}
}

// shopReports is a project with a database of its own that is up.
func shopReports(t *testing.T) (dir string, call func(args ...string) (code int, stdout, stderr string)) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("DATABASE_URL", pgtest.URL(t))
	dagfile := filepath.Join(dir, "dagfile.yaml")
	writeText(t, dagfile, "version: 1\nname: shop\ntimezone: Asia/Riyadh\nservices: { kafka: { brokers: \"embedded:0\" }, postgres: { url: \"${DATABASE_URL}\" } }\n"+
		"jobs:\n  report.stock: { uses: report, when: { every: 5s }, with: { file: stock.md } }\n")
	writeText(t, filepath.Join(dir, "stock.md"), stockReport)
	state := pgtest.StateDir(t)
	return dir, func(args ...string) (int, string, string) {
		t.Helper()
		return dag(t, append(args, "-f", dagfile, "--state", state)...)
	}
}

const stockReport = `---
title: Stock
params: { least: 2 }
---
~~~sql counted
select count(*) as n, :now::timestamp as at from generate_series(1, :least)
~~~

~~~sql items
select 'item ' || i as name, i * 1.5 as price from generate_series(1, :least) as i
~~~

~~~kpi things
data: counted
value: n
note: "as of {{ counted.at | datetime }}"
~~~

~~~table list
data: items
columns: { name: Name | text, price: Price | num.2 }
~~~

~~~chart prices bars
data: items
x: name
y: price
~~~
`

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReportRender(t *testing.T) {
	dir, call := shopReports(t)
	page := filepath.Join(dir, "out.html")
	code, stdout, stderr := call("report", "render", "report.stock", "-o", page, "--param", "least=7", "--as-of", "2026-01-05T18:00")
	html, err := os.ReadFile(page)
	if code != 0 || err != nil || stderr != "" || !strings.HasPrefix(stdout, page+": 3 of 3 cells current, ") {
		t.Fatalf("exit code %d, %q, %q, %v", code, stdout, stderr, err)
	}
	for _, want := range []string{">7<", "item 7", "10.50", "5 Jan", "15:00"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	code, stdout, stderr = call("report", "render", filepath.Join(dir, "stock.md"), "-o", "-")
	if code != 0 || !strings.HasPrefix(stdout, "<!doctype html>") || !strings.HasSuffix(stdout, "</html>\n") || !strings.Contains(stderr, "3 of 3 cells current") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	through := make(chan []byte, 1)
	go func() {
		text, _ := os.ReadFile(pipe) // what it lacks is seen below
		through <- text
	}()
	code, _, stderr = call("report", "render", "report.stock", "-o", pipe)
	if st, err := os.Lstat(pipe); code != 0 || err != nil || st.Mode().IsRegular() { // as /dev/null would be lost
		t.Fatalf("a pipe was replaced by a file: exit code %d, %q, %v", code, stderr, err)
	}
	if text := <-through; !strings.HasSuffix(string(text), "</html>\n") {
		t.Errorf("%d bytes came through the pipe", len(text))
	}
	if code, _, stderr = call("report", "render", "report.stock", "-o", dir); code != 2 || !strings.Contains(stderr, "is a folder; name a file in it") {
		t.Errorf("into a folder: exit code %d, %q", code, stderr)
	}
	writeText(t, filepath.Join(dir, "stock.md"), strings.Replace(stockReport, "1.5", "nothing", 1))
	code, stdout, stderr = call("report", "render", "report.stock", "-o", page)
	html, _ = os.ReadFile(page)
	want := "stock.md:10:34: cell items: column \"nothing\" does not exist\n   10 | select 'item ' || i as name, i * nothing as price"
	if code != 1 || !strings.Contains(stdout, "1 of 3 cells current") || !strings.Contains(stderr, "1 cell failed") || !strings.Contains(string(html), "does not exist") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if !strings.Contains(stderr, want) {
		t.Errorf("%q does not show %q", stderr, want)
	}
}

func TestReportExport(t *testing.T) {
	dir, call := shopReports(t)
	writeText(t, filepath.Join(dir, "stock.md"), strings.Replace(stockReport, "'item ' || i", "'=item ' || i", 1))
	code, stdout, stderr := call("report", "export", "report.stock", "list", "-o", "-")
	if want := "Name,Price\r\n'=item 1,1.5\r\n'=item 2,3.0\r\n"; code != 0 || strings.ReplaceAll(stdout, ",3\r", ",3.0\r") != want || stderr != "" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	for name, begins := range map[string]string{"x.svg": "<svg", "x.png": "\x89PNG", "x.csv": "name,price"} {
		file := filepath.Join(dir, name)
		code, stdout, stderr := call("report", "export", "report.stock", "prices", "-o", file, "--param", "least=4")
		got, err := os.ReadFile(file)
		if code != 0 || err != nil || !strings.Contains(string(got[:min(len(got), 60)]), begins) || !strings.Contains(stdout, "prices of ") {
			t.Errorf("%s: exit code %d, %q, %q, %v", name, code, stdout, stderr, err)
		}
	}
	for args, want := range map[string]string{
		"report.stock prices":          "say where to with -o",
		"report.stock prices -o x.gif": "neither a picture nor rows",
		"report.stock list -o x.svg":   `has no chart "list"`,
		"report.stock pricse -o x.svg": `(did you mean "prices"?)`,
		"report.stock -o x.svg":        "name a report and a cell of it",
		"report.stock things -o x.csv": "has no cell with rows",
	} {
		if code, _, stderr := call(append([]string{"report", "export"}, strings.Fields(args)...)...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %q", args, code, stderr)
		}
	}
	writeText(t, filepath.Join(dir, "stock.md"), strings.Replace(stockReport, "i * 1.5", "i * nothing", 1))
	if code, _, stderr := call("report", "export", "report.stock", "prices", "-o", "-"); code != 1 || !strings.Contains(stderr, `column "nothing" does not exist`) || !strings.Contains(stderr, "^^^^^^^") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// A PDF needs a browser; where none is, that is said before anything is started.
func TestReportPDFWithoutABrowser(t *testing.T) {
	t.Setenv("CHROMIUM", "no-such-browser")
	state := filepath.Join(t.TempDir(), "state")
	code, _, stderr := dag(t, "report", "render", "../testdata/report_mistakes/unused.md", "--pdf", "-f", "../testdata/report_mistakes/dagfile.yaml", "--state", state)
	if _, err := os.Stat(state); code != 1 || !strings.Contains(stderr, "CHROMIUM names no program") || err == nil {
		t.Errorf("exit code %d, %q, %v", code, stderr, err)
	}
}

// A new report can be checked and rendered as it is, with a database that is up and without one, and is never written over.
func TestReportNew(t *testing.T) {
	dir, call := shopReports(t)
	if code, stdout, stderr := call("sql", "create table visits (\"Visit No\" integer primary key, at timestamptz, \"order\" numeric, note text); "+
		"insert into visits select i, now() - i * interval '1 min', i, 'n' from generate_series(1, 50) i"); code != 0 {
		t.Fatal(stdout, stderr)
	}
	code, stdout, stderr := call("report", "new", "top_visits")
	if code != 0 || !strings.Contains(stdout, "about the table visits. Now:") || !strings.Contains(stdout, "with: { file: reports/top_visits.md }") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	file := filepath.Join(dir, "reports", "top_visits.md")
	if code, stdout, stderr := call("report", "validate", file); code != 0 || stderr != "" {
		t.Fatal(stdout, stderr)
	}
	code, stdout, stderr = call("report", "render", file, "-o", "-")
	if code != 0 || !strings.Contains(stderr, "4 of 4 cells current") || !strings.Contains(stdout, "<h1>Top visits</h1>") || !strings.Contains(stdout, ">1,275<") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	if code, _, stderr := call("report", "new", "top_visits"); code != 2 || !strings.Contains(stderr, "is there already") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	code, stdout, _ = call("report", "new", filepath.Join(dir, "runs.md"))
	if code != 0 || !strings.Contains(stdout, "about the pipeline's runs, for no database is up") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	t.Setenv("DATABASE_URL", pgtest.URL(t))
	if code, stdout, stderr := call("report", "render", filepath.Join(dir, "runs.md"), "-o", filepath.Join(dir, "runs.html")); code != 0 {
		t.Error(stdout, stderr)
	}
}

// The real program renders again at each save, shows mistakes in the page and in the terminal, and ends with Ctrl-C.
func TestReportWatch(t *testing.T) {
	dir, _ := shopReports(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: t.TempDir(), dagfile: filepath.Join(dir, "dagfile.yaml")}
	file := filepath.Join(dir, "stock.md")
	w := p.start("report", "watch", file)
	address := func() string {
		_, rest, _ := strings.Cut(w.out.String(), "http://")
		page, _, found := strings.Cut(rest, ",")
		if !found {
			return ""
		}
		return "http://" + page
	}
	shows := func(want string) {
		t.Helper()
		body := ""
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if at := address(); at != "" {
				if body = get(at); strings.Contains(body, want) {
					return
				}
			}
		}
		t.Fatalf("the page never showed %q:\n%s\n%s", want, body, w.out)
	}
	shows("<h1>Stock</h1>")
	writeText(t, file, strings.Replace(stockReport, "title: Stock", "titel: Stock", 1))
	shows("unknown key &#34;titel&#34;")
	writeText(t, file, strings.Replace(stockReport, "title: Stock", "title: Repaired", 1))
	shows("<h1>Repaired</h1>")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	shows("no such file")
	writeText(t, file, stockReport)
	shows("<h1>Stock</h1>")
	if code := w.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	said := w.out.String()
	for _, want := range []string{"3 of 3 cells current, ", "stock.md:2:1: unknown key \"titel\"\n    2 | titel: Stock\n      | ^\n      = did you mean \"title\"?\n", "cannot be rendered"} {
		if !strings.Contains(said, want) {
			t.Errorf("it did not print %q:\n%s", want, said)
		}
	}
}

// get is the body of an answer, whatever its status; "" while nobody answers.
func get(address string) string {
	answer, err := http.Get(address)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}
