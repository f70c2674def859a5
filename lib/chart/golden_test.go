package chart

import (
	"errors"
	"strings"
	"testing"

	"tillflow/lib/golden"
)

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
			// One element a line, to read a change.
			golden.Check(t, "testdata/"+d.name+".svg", []byte(strings.ReplaceAll(got, "><", ">\n<")+"\n"))
		})
	}
}
