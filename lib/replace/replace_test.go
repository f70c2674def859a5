package replace_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tillflow/lib/replace"
)

// Readers that read all the time see one content or the other.
func TestReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	old, fresh := bytes.Repeat([]byte("a"), 200_000), bytes.Repeat([]byte("b"), 300_000)
	if err := replace.File(path, old); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		for i := range 100 {
			if err := replace.File(path, [][]byte{old, fresh}[i%2]); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for len(written) == 0 {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, old) && !bytes.Equal(got, fresh) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What cannot be replaced stays, and nothing is left beside it.
func TestFailureLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replace.File(path, []byte("x")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := replace.File(filepath.Join(dir, "none", "page.html"), nil); err == nil {
		t.Error("a file without a folder")
	}
}

func ExampleFile() {
	dir, err := os.MkdirTemp("", "replace")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "page.html")
	for _, text := range []string{"old", "new"} {
		if err := replace.File(path, []byte(text)); err != nil {
			panic(err)
		}
	}
	got, err := os.ReadFile(path)
	fmt.Println(string(got), err)
	// Output: new <nil>
}
