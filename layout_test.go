package tillflow_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// packages asks the go command for every package of the module, without its tests.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == "tillflow" || strings.HasPrefix(p.ImportPath, "tillflow/") {
			all = append(all, p)
		}
	}
}

// owners names the one package that may import an outside module; everything else goes through it.
var owners = map[string][]string{
	"github.com/segmentio/kafka-go":              {"tillflow/lib/kafkasrc"},
	"github.com/twmb/franz-go":                   {"tillflow/lib/embedded"},
	"github.com/fergusstrange/embedded-postgres": {"tillflow/lib/embedded"},
	"github.com/wcharczuk/go-chart":              {"tillflow/lib/chart"},
	"github.com/go-gota/gota":                    {"tillflow/lib/frame"},
	"go.yaml.in/yaml":                            {"tillflow/lib/strictyaml"},
	"github.com/robfig/cron":                     {"tillflow/dag/gate"},
	"github.com/yuin/goldmark":                   {"tillflow/lib/notebook"},
	"github.com/alecthomas/chroma":               {"tillflow/lib/notebook"},
	"github.com/tdewolff/minify":                 {"tillflow/lib/notebook"}, // the script of a page under 10 kB, its source readable
	"golang.org/x/term":                          {"tillflow/dag"},
	"github.com/google/go-cmp":                   {"tillflow/lib/golden"}, // and tests
}

// shared modules may be imported by any package.
var shared = []string{
	"github.com/apache/arrow/go/v17", "github.com/jackc/pgx/v5", "golang.org/x/sync", "golang.org/x/sys",
	"golang.org/x/image", "github.com/golang/freetype", // faces and fonts, which go-chart's renderer is made of
}

func TestImportArrows(t *testing.T) {
	for _, p := range packages(t) {
		for _, dep := range p.Imports {
			if why := forbidden(p.ImportPath, dep); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, dep, why)
			}
		}
	}
}

// forbidden tells why from may not import dep, or "".
func forbidden(from, dep string) string {
	under := func(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
	first, _, _ := strings.Cut(dep, "/")
	if !under(dep, "tillflow") {
		if !strings.Contains(first, ".") || slices.ContainsFunc(shared, func(m string) bool { return under(dep, m) }) {
			return ""
		}
		for module, owner := range owners {
			if under(dep, module) {
				if slices.Contains(owner, from) {
					return ""
				}
				return "only " + owner[0] + " may"
			}
		}
		return "no package owns this module; add it to owners with its reason"
	}
	switch {
	case dep == "tillflow/dag":
		return "nothing imports main"
	case dep == "tillflow/dag/run":
		if under(from, "tillflow/lib") || under(from, "tillflow/sql") {
			return "lib knows neither dag nor jobs"
		}
		return ""
	case under(from, "tillflow/lib"):
		if under(dep, "tillflow/dag") || under(dep, "tillflow/jobs") {
			return "lib knows neither dag nor jobs"
		}
	case under(from, "tillflow/sql"):
		return "sql knows nothing of ours"
	case from == "tillflow/jobs": // the table of kinds
		if under(dep, "tillflow/dag") && dep != "tillflow/dag/spec" {
			return "jobs do not know the engine"
		}
	case from == "tillflow/jobs/stream/streambench" && dep == "tillflow/jobs/stream":
		return "" // the bench runs the stream as the engine does; `dag bench` is its only user
	case under(from, "tillflow/jobs"):
		if under(dep, "tillflow/dag") || under(dep, "tillflow/jobs") {
			return "a job knows lib and sql, never the engine or another job"
		}
	case from != "tillflow/dag" && under(from, "tillflow/dag"):
		if under(dep, "tillflow/jobs") {
			return "the engine knows no job"
		}
		arrows := map[string][]string{
			"tillflow/dag/run": {}, "tillflow/dag/spec": {}, "tillflow/dag/plan": {"spec"}, "tillflow/dag/gate": {"spec"},
			"tillflow/dag/runner": {"plan", "gate", "spec"}, "tillflow/dag/runner/runnerbench": {"runner", "runstore", "plan", "spec"}, "tillflow/dag/runstore": {}, "tillflow/dag/server": {},
			"tillflow/dag/analyticsbench": {}, "tillflow/dag/reportbench": {"server"}, "tillflow/dag/preview": {}, "tillflow/dag/instance": {"spec"}, "tillflow/dag/notify": {"plan", "spec"},
			"tillflow/dag/picture": {"plan", "runner", "gate"},
		}
		allowed, known := arrows[from]
		if !known {
			return "this package has no place in the design"
		}
		if rest, ok := strings.CutPrefix(dep, "tillflow/dag/"); ok && !slices.Contains(allowed, rest) {
			return "not one of its arrows"
		}
	}
	return ""
}

// The fences must be able to fail.
func TestForbiddenArrowsAreSeen(t *testing.T) {
	for _, c := range [][2]string{
		{"tillflow/lib/pg", "tillflow/dag/run"}, {"tillflow/jobs/stream", "tillflow/jobs/report"}, {"tillflow/jobs/stream", "tillflow/dag/spec"},
		{"tillflow/dag/plan", "tillflow/dag/gate"}, {"tillflow/dag/runner", "tillflow/jobs"}, {"tillflow/lib/event", "github.com/segmentio/kafka-go"},
		{"tillflow/lib/pg", "github.com/lib/pq"}, {"tillflow/dag/new", "tillflow/dag/spec"}, {"tillflow/jobs", "tillflow/dag"},
	} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
}

// The packages that the project is built on are used, each at its pinned version.
func TestPinnedModules(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(mod), "module tillflow\n") {
		t.Error("the module is not called tillflow")
	}
	all := packages(t)
	for module, owner := range map[string]string{
		"github.com/apache/arrow/go/v17 v17.": "tillflow/lib/event", "github.com/segmentio/kafka-go v0.4.": "tillflow/lib/kafkasrc",
		"github.com/jackc/pgx/v5 v5.": "tillflow/lib/pg", "github.com/go-gota/gota v0.12.0\n": "tillflow/lib/frame",
		"github.com/robfig/cron/v3 v3.": "tillflow/dag/gate", "github.com/wcharczuk/go-chart/v2 v2.1.": "tillflow/lib/chart",
	} {
		if !strings.Contains(string(mod), "\t"+module) {
			t.Errorf("go.mod does not require %s directly", strings.TrimSpace(module))
		}
		path, _, _ := strings.Cut(module, " ")
		i := slices.IndexFunc(all, func(p pkg) bool { return p.ImportPath == owner })
		if i < 0 || !slices.ContainsFunc(all[i].Imports, func(d string) bool { return d == path || strings.HasPrefix(d, path+"/") }) {
			t.Errorf("%s does not use %s", owner, path)
		}
	}
}

// The top level is the map that newcomers read.
func TestTopLevel(t *testing.T) {
	for _, name := range []string{
		"dag", "jobs", "lib", "reports", "sql", "seeds", "testdata", "dagfile.yaml", "docker-compose.yml", "go.mod", "go.sum", "Justfile",
		"README.md", "LICENSE", ".gitignore", ".golangci.yml", ".editorconfig", "embed.go",
	} {
		if _, err := os.Stat(filepath.FromSlash(name)); err != nil {
			t.Errorf("%s is missing", name)
		}
	}
}
