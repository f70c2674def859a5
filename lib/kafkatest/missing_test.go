//go:build unix

package kafkatest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where Java or Maven is missing the message says what to install.
func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := findJava(); err == nil || !strings.Contains(err.Error(), "java is not on the PATH; install them with: apt-get install default-jre-headless maven") {
		t.Errorf("without java: %v", err)
	}
	cache := t.TempDir()
	if _, err := jars(t.Context(), cache); err == nil || !strings.Contains(err.Error(), "mvn is not on the PATH; install them with: apt-get") {
		t.Errorf("without mvn: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "tillflow", "kafka-*[^k]")); err != nil || len(left) > 0 {
		t.Errorf("the cache has %v, %v", left, err)
	}
}

// A fetch that fails leaves no folder that the next one would take for a whole one.
func TestFailedFetchIsTriedAgain(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	mvn := func(script string) {
		if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte("#!/bin/sh\nfor last; do :; done; dir=${last#-DoutputDirectory=}; mkdir -p \"$dir\"; touch \"$dir/kafka.jar\"\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mvn("echo no route to host; exit 1")
	if _, err := jars(t.Context(), cache); err == nil || !strings.Contains(err.Error(), "exit status 1\nno route to host") {
		t.Errorf("a fetch that fails: %v", err)
	}
	mvn("exit 0")
	dir, err := jars(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "kafka.jar")); err != nil {
		t.Error(err)
	}
	mvn("exit 1") // is not asked again
	if again, err := jars(t.Context(), cache); err != nil || again != dir {
		t.Errorf("the second time: %s, %v", again, err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "tillflow", "kafka-fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("fetching left %v, %v", left, err)
	}
}
