package strictyaml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/strictyaml"
)

// The caret stands under the place whatever the line holds, and a place in no line is told all the same.
func TestFrames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.md")
	if err := os.WriteFile(file, []byte("one\r\n\tرقم: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := strictyaml.Frames([]strictyaml.Problem{
		{File: file, Line: 1, Col: 2, Msg: "a"}, {File: file, Line: 2, Col: 7, Msg: "b", Hint: "do c"},
		{File: file, Line: 9, Col: 1, Msg: "behind the end"}, {File: file + ".none", Line: 1, Col: 1, Msg: "no file"},
	})
	want := "F:1:2: a\n    1 | one\n      |  ^\nF:2:7: b\n    2 | \tرقم: x\n      | \t     ^\n      = do c\nF:9:1: behind the end\nF.none:1:1: no file\n"
	if got := strings.ReplaceAll(got, file, "F"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
