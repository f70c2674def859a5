//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	childless  = 30 * time.Second // for the children of a killed server to notice and end
	answerTime = 60 * time.Second // for the first answer, be it "starting up"
)

// launch starts the server and waits for its first answer. It tries again while the children of a killed server hold
// its shared memory, and with another port when somebody was faster on a free one.
func (pg *Postgres) launch(ctx context.Context, b binaries) error {
	deadline := time.Now().Add(childless)
	for {
		err := pg.launchOnce(ctx, b)
		if err == nil {
			go pg.watch()
			return nil
		}
		var taken *PortTakenError
		switch {
		case ctx.Err() != nil || time.Now().After(deadline):
			return err
		case errors.As(err, &taken) && pg.cfg.Port == 0:
			if pg.port, err = claimPort(ctx, 0, "Postgres"); err != nil {
				return err
			}
		case !strings.Contains(err.Error(), "is still in use"):
			return err
		}
		pause := time.NewTimer(200 * time.Millisecond)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pause.C:
		}
	}
}

func (pg *Postgres) launchOnce(ctx context.Context, b binaries) error {
	log, err := pg.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(b.postgres(), serverArguments(pg.place.data(), pg.socket, pg.port)...)
	cmd.Dir = pg.place.data()
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = log, log
	death, remove := syscall.SIGINT, []string(nil)
	if pg.cfg.Scratch {
		death, remove = syscall.SIGQUIT, pg.scratchFolders()
	}
	c, err := startChild(cmd, pg.place.acct, death, remove)
	if err != nil {
		return err
	}
	err = pg.awaitAnswer(ctx, c)
	if err == nil {
		pg.child = c
		return nil
	}
	_ = c.stop(context.WithoutCancel(ctx), fastStop) // gone already, or of no use
	return err
}

// awaitAnswer waits until a query succeeds. An open socket is not enough: a server that starts or recovers answers
// 57P03, and it may do so for as long as it takes.
func (pg *Postgres) awaitAnswer(ctx context.Context, c *child) error {
	var last error
	silent := time.Now()
	answered := func() bool {
		select {
		case <-c.done:
			return true
		default:
		}
		if last = pg.ask(ctx); last == nil {
			return true
		}
		var answer *pgconn.PgError
		if errors.As(last, &answer) && answer.Code == "57P03" {
			silent = time.Now()
		}
		return time.Since(silent) > answerTime
	}
	if err := poll(ctx, 24*time.Hour, answered); err != nil {
		return err
	}
	select {
	case <-c.done:
		tail := pg.logTail()
		if strings.Contains(tail, "could not bind") || strings.Contains(tail, "could not create any TCP/IP sockets") {
			return &PortTakenError{Port: pg.port, Service: "Postgres"}
		}
		return fmt.Errorf("the server ended (%v); the last lines of %s:\n%s", c.err, pg.logPath(), tail)
	default:
	}
	if last != nil {
		return fmt.Errorf("no answer in %s: %w; the last lines of %s:\n%s", answerTime, last, pg.logPath(), pg.logTail())
	}
	return nil
}

func (pg *Postgres) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, pg.socketURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "select 1")
	return err
}
