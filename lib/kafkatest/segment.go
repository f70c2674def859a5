//go:build unix

package kafkatest

import (
	"os"
	"path/filepath"
	"testing"
)

// cutTail shortens the last of the segment files that a pattern names, so that its last batch is not whole.
func cutTail(t testing.TB, segments string) {
	t.Helper()
	change(t, segments, func(b []byte) []byte { return b[:len(b)-10] })
}

// damage changes a bit near the end of the last segment: a record ends with its value and the number of its headers.
func damage(t testing.TB, segments string) {
	t.Helper()
	change(t, segments, func(b []byte) []byte { b[len(b)-2] ^= 4; return b })
}

func change(t testing.TB, segments string, how func(b []byte) []byte) {
	t.Helper()
	files, err := filepath.Glob(segments)
	if err != nil || len(files) == 0 {
		t.Fatalf("kafkatest: no log at %s: %v", segments, err)
	}
	last := files[len(files)-1]
	b, err := os.ReadFile(last)
	if err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
	if len(b) < 61 { // the header of a record batch
		t.Fatalf("kafkatest: %s has %d bytes", last, len(b))
	}
	if err := os.WriteFile(last, how(b), 0o644); err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
}
