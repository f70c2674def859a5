package stream

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/strictyaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each file under testdata/wrong is the settings of a stream with mistakes; beside it stands what a person reads.
func TestMistakesAreToldWhereTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var w With
			var got strings.Builder
			for _, p := range strictyaml.Decode(filepath.Base(file), src, 0, &w) {
				got.WriteString(p.String() + "\n")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConsumesItsTopic(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"transactions"}, decode(t, sales).Consumes()); diff != "" {
		t.Error(diff)
	}
}
