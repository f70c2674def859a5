package tillflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// composition is what the test reads of docker-compose.yml; the schema has looked at the rest.
type composition struct {
	Services map[string]struct {
		Image string
		Build struct {
			Dockerfile string `yaml:"dockerfile_inline"`
		}
		Ports       []string
		Environment map[string]string
		Volumes     []string
		Healthcheck struct{ Test []string }
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	}
	Volumes map[string]any
}

func composeSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "compose", "compose-spec.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func readCompose(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// No container engine is needed to know that the file is one: the specification has a schema.
func TestComposeFileIsValid(t *testing.T) {
	t.Parallel()
	schema, text := composeSchema(t), readCompose(t)
	if err := validate(t, schema, text); err != nil {
		t.Error(err)
	}
	// And the schema sees faults of the kind one makes.
	for name, change := range map[string][2]string{
		"misspelled_key":    {"    healthcheck:\n", "    heathcheck:\n"},
		"unknown_condition": {"condition: service_healthy", "condition: service_fine"},
		"ports_not_a_list":  {"    ports:\n      - \"127.0.0.1:8501:8501\"", "    ports: \"127.0.0.1:8501:8501\""},
		"build_wrong_type":  {"    build:\n      context: .\n", "    build:\n      context: [.]\n"},
		"unknown_top_level": {"\nvolumes:\n", "\nvolume:\n"},
		"services_missing":  {"\nservices:\n", "\nservice:\n"},
		"numeric_restart":   {"restart: unless-stopped", "restart: 3"},
	} {
		broken := strings.Replace(text, change[0], change[1], 1)
		if broken == text {
			t.Errorf("%s: %q is not in the file", name, change[0])
		} else if validate(t, schema, broken) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

// What the README promises about the containers.
func TestComposeKeepsItsPromises(t *testing.T) {
	t.Parallel()
	var c composition
	if err := yaml.Unmarshal([]byte(readCompose(t)), &c); err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]struct{ image, port, volume string }{
		"kafka":    {"apache/kafka:4.", "127.0.0.1:19092:19092", "kafka:/var/lib/kafka/data"},
		"postgres": {"postgres:15.", "127.0.0.1:5433:5432", "postgres:/var/lib/postgresql/data"},
		"dag":      {"tillflow:", "127.0.0.1:8501:8501", "dag:/var/lib/tillflow"},
	} {
		got, ok := c.Services[service]
		if !ok {
			t.Errorf("no service %s", service)
			continue
		}
		if !strings.HasPrefix(got.Image, want.image) || strings.HasSuffix(got.Image, ":latest") {
			t.Errorf("%s: image %s, want %s pinned", service, got.Image, want.image)
		}
		if !slices.Equal(got.Ports, []string{want.port}) {
			t.Errorf("%s: ports %q, want %s, on loopback only", service, got.Ports, want.port)
		}
		if !slices.Equal(got.Volumes, []string{want.volume}) {
			t.Errorf("%s: volumes %q, want %s", service, got.Volumes, want.volume)
		}
		if name, _, _ := strings.Cut(want.volume, ":"); !hasKey(c.Volumes, name) {
			t.Errorf("%s: volume %s is not declared", service, name)
		}
		if len(got.Healthcheck.Test) < 2 {
			t.Errorf("%s: no health check", service)
		}
	}

	if kafka := c.Services["kafka"].Environment; kafka["KAFKA_PROCESS_ROLES"] != "broker,controller" || hasKey(kafka, "KAFKA_ZOOKEEPER_CONNECT") {
		t.Errorf("kafka is not in KRaft mode: %v", kafka)
	}
	dag := c.Services["dag"]
	for name, want := range map[string]string{
		"KAFKA_BROKERS": "kafka:9092",
		"DATABASE_URL":  "postgres://postgres:${POSTGRES_PASSWORD:-tillflow}@postgres:5432/retaildb?sslmode=disable",
		"DAG_LISTEN":    "0.0.0.0:8501",
	} {
		if dag.Environment[name] != want {
			t.Errorf("dag: %s is %q, want %q", name, dag.Environment[name], want)
		}
	}
	for _, service := range []string{"kafka", "postgres"} {
		if got := dag.DependsOn[service].Condition; got != "service_healthy" {
			t.Errorf("dag waits for %s to be %q", service, got)
		}
	}
}

// The image is built in two stages, and every path it copies from the checkout exists.
func TestComposeImage(t *testing.T) {
	t.Parallel()
	var c composition
	if err := yaml.Unmarshal([]byte(readCompose(t)), &c); err != nil {
		t.Fatal(err)
	}
	text := c.Services["dag"].Build.Dockerfile
	if strings.Contains(text, "$") {
		t.Error("a $ in the Dockerfile would be replaced by Compose")
	}
	var stages []string
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && words[0] == "FROM":
			stages = append(stages, words[1])
		case len(words) > 2 && words[0] == "COPY" && !strings.HasPrefix(words[1], "--"):
			for _, path := range words[1 : len(words)-1] {
				if _, err := os.Stat(path); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if len(stages) != 2 || !strings.HasPrefix(stages[0], "golang:"+goVersion(t)+"-") || !strings.HasPrefix(stages[1], "alpine:") {
		t.Errorf("stages %q", stages)
	}
}

// goVersion returns 1.26 for the "go 1.26.0" of go.mod.
func goVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var major, minor int
		if n, _ := fmt.Sscanf(line, "go %d.%d", &major, &minor); n == 2 {
			return fmt.Sprintf("%d.%d", major, minor)
		}
	}
	t.Fatal("go.mod names no Go version")
	return ""
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}
