package chart

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, d := range samples() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			got, err := SVG(d.spec)
			if d.empty {
				if !errors.Is(err, ErrEmpty) {
					t.Fatalf("error %v, want ErrEmpty", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", d.name+".svg")
			got = strings.ReplaceAll(got, "><", ">\n<") + "\n" // one element a line, to read a change
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-want +got); look at it, then go test -update:\n%s", path, diff)
			}
		})
	}
}
