package cputime_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"tillflow/lib/cputime"
)

// Whoever works is seen to work: this process, and a child that has ended.
func TestWorkIsSeen(t *testing.T) {
	own := cputime.Own()
	for deadline := time.Now().Add(30 * time.Second); cputime.Own()-own < 20*time.Millisecond; {
		if time.Now().After(deadline) {
			t.Fatal("this process works and no time is counted")
		}
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // a system that does not tell of others
	}
	before := cputime.Family(os.Getpid())
	for deadline := time.Now().Add(30 * time.Second); cputime.Family(os.Getpid())-before < 20*time.Millisecond; {
		if err := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").Run(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("a child works and no time is counted")
		}
	}
	if got, want := cputime.Parent(os.Getpid()), os.Getppid(); got != want {
		t.Errorf("parent %d, want %d", got, want)
	}
	if cputime.Parent(1<<30) != 0 || cputime.Family(1<<30) != 0 {
		t.Error("a process that is none has a parent or used time")
	}
}

func ExampleOwn() {
	before := cputime.Own()
	fmt.Println(cputime.Own() >= before)
	// Output: true
}
