// Package cputime tells how much processor time this process and others have used: what a bench shows beside the wall
// time, which on a busy machine says little.
package cputime

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Own is the time that this process has used so far, in all its threads; 0 where the system does not tell.
func Own() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Parent is the process that another one comes from; 0 where the system does not tell. The parent of a session of
// Postgres is its server.
func Parent(pid int) int {
	f := stat(pid)
	if f == nil {
		return 0
	}
	parent, _ := strconv.Atoi(string(f[1]))
	return parent
}

// Family is the time that a process, its children, and those of its children that have ended have used so far; 0 where
// the system does not tell.
func Family(pid int) time.Duration {
	ticks := used(pid, true)
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // only a bad pattern is an error
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, f := range bytes.Fields(text) {
			if child, err := strconv.Atoi(string(f)); err == nil {
				ticks += used(child, false)
			}
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// ticksPerSecond is the unit of /proc/PID/stat, the same on every Linux.
const ticksPerSecond = 100

// used is what a process has used; ended adds those of its children that have ended.
func used(pid int, ended bool) (sum int64) {
	f := stat(pid)
	if f == nil {
		return 0
	}
	last := 13 // utime, stime
	if ended {
		last = 15 // cutime, cstime
	}
	for _, v := range f[11:last] {
		n, _ := strconv.ParseInt(string(v), 10, 64)
		sum += n
	}
	return sum
}

// stat are the fields of /proc/PID/stat after the name, which may hold anything: the state is the first, the parent the
// second. nil when there is no such process or file.
func stat(pid int) [][]byte {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 15 {
		return nil
	}
	return f
}
