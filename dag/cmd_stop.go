package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"tillflow/dag/instance"
)

// cmdStop ends the pipeline that runs on the state folder, as Ctrl-C in its terminal would: no new runs, work in hand is
// finished. With --now it does not wait for the work, as a second Ctrl-C. It returns when the process has ended.
func cmdStop(ctx context.Context, c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	f, err := instance.Open(c.state)
	if err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	role := instance.RunRole
	info, ok := f.Read(role)
	if !ok {
		role = instance.ServicesRole // of `dag up`
		if info, ok = f.Read(role); !ok {
			return &exitError{exitNothing, errors.New("nothing runs here")}
		}
	}
	began := time.Now()
	fmt.Fprintf(c.stdout, "stopping `%s`, pid %d\n", info.Command, info.PID)
	if err := signalProcess(info.PID); err != nil {
		return err
	}
	hurry := c.hist.now && role == instance.RunRole // the services alone have no work in hand
	for {
		if now, ok := f.Read(role); !ok || now.PID != info.PID {
			fmt.Fprintf(c.stdout, "stopped after %s\n", short(time.Since(began)))
			return nil
		}
		// Asked again, a process cuts its work off; the pause makes sure that it has seen the first time.
		if hurry && time.Since(began) > 500*time.Millisecond {
			if err := signalProcess(info.PID); err != nil {
				return err
			}
			hurry = false
		}
		if !pause(ctx, 50*time.Millisecond) {
			return interrupted(ctx, context.Cause(ctx))
		}
	}
}

// signalProcess asks a process to end; one that has ended meanwhile is no error.
func signalProcess(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("find pid %d: %w", pid, err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ask pid %d to end: %w", pid, err)
	}
	return nil
}
