//go:build unix

package kafkatest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// version of Apache Kafka; pom.xml names the same.
const version = "4.1.1"

//go:embed pom.xml
var pom []byte

// install tells how to get what is missing.
const install = "install them with: apt-get install default-jre-headless maven"

// findJava returns the java command.
func findJava() (string, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("a real Kafka needs Java 17 or later and, the first time, Maven; java is not on the PATH; %s", install)
	}
	return java, nil
}

// jars returns the folder with Kafka's jars and those they need, and fetches them when it is not there: 43 MB.
func jars(ctx context.Context, cache string) (string, error) {
	dir := filepath.Join(cache, "tillflow", "kafka-"+version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil // fetched while this one waited
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("fetching the jars of Kafka into %s needs Maven; mvn is not on the PATH; %s", dir, install)
	}
	// A fetch that ends half-way leaves no folder of that name.
	part, err := os.MkdirTemp(filepath.Dir(dir), "kafka-fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	project := filepath.Join(part, "pom.xml")
	if err := os.WriteFile(project, pom, 0o644); err != nil {
		return "", err
	}
	got := filepath.Join(part, "jars")
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", project, "dependency:copy-dependencies", "-DoutputDirectory="+got)
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch the jars of Kafka: mvn dependency:copy-dependencies: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(got, dir); err != nil {
		return "", err
	}
	return dir, nil
}

// lock waits until no other test binary fetches; two Mavens that write one repository spoil it.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil // which unlocks
}
