package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// stopOnSignal gives a context that ends with run.ErrStop at the first Ctrl-C or SIGTERM; the second one ends the
// process at once, as the user then expects.
func stopOnSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-ch:
			signal.Stop(ch)
			cancel(run.ErrStop)
		case <-ctx.Done():
			signal.Stop(ch)
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// stopInTwoSteps is like stopOnSignal, but tells of a second signal by closing hurry: what is in hand is then cut off, and
// services still stop in order. The third one ends the process.
func stopInTwoSteps(ctx context.Context) (stopping context.Context, hurry <-chan struct{}, done context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ch, second, over := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(ch)
		select {
		case <-ch:
			cancel(run.ErrStop)
		case <-over:
			return
		}
		select {
		case <-ch:
			close(second)
		case <-over:
		}
	}()
	return ctx, second, func() { cancel(context.Canceled); close(over) }
}

func cmdUp(ctx context.Context, c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	p, f, err := c.open()
	if err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	log := c.plainLog()
	if info, ok := f.Read(instance.ServicesRole); ok {
		return &instance.OwnedError{Path: f.Path, Info: info}
	}
	sv, done, err := c.lasting(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	for _, line := range sv.Started {
		fmt.Fprintln(c.stdout, line)
	}
	fmt.Fprintln(c.stdout, `ready; eval "$(dag env)" in another shell, Ctrl-C to stop`)
	select {
	case <-ctx.Done():
		return nil
	case <-sv.Died():
		return errors.New("Postgres ended by itself; its log is in " + f.Path)
	}
}

// attached gives the services of the pipeline: those that another process runs, or our own for as long as this command
// needs them. The returned function ends the use.
func (c *call) attached(ctx context.Context, p *plan.Plan, f *instance.Folder, log *slog.Logger) (*instance.Services, func(), error) {
	return c.services(ctx, p, f, log, true)
}

// lasting is like attached, for a command that goes on for long: it shares the services of `dag up`, but waits for the
// end of a short command, whose services would end with it.
func (c *call) lasting(ctx context.Context, p *plan.Plan, f *instance.Folder, log *slog.Logger) (*instance.Services, func(), error) {
	return c.services(ctx, p, f, log, false)
}

func (c *call) services(ctx context.Context, p *plan.Plan, f *instance.Folder, log *slog.Logger, short bool) (*instance.Services, func(), error) {
	verb := "dag " + c.name
	if c.name == "run" {
		verb = strings.Join(append([]string{verb}, c.args...), " ")
	}
	for waited := false; ; {
		o, err := f.Own(instance.ServicesRole, verb)
		if err == nil {
			return c.startServices(ctx, p, o, log, short)
		}
		var owned *instance.OwnedError
		if !errors.As(err, &owned) {
			return nil, nil, err
		}
		if short || owned.Info.Command == "dag up" {
			release, err := f.Use()
			if err != nil {
				return nil, nil, err
			}
			sv, err := instance.Attach(ctx, p.Spec, f)
			if err != nil {
				release()
				if errors.Is(err, instance.ErrEnded) {
					continue // then we start them
				}
				return nil, nil, err
			}
			return sv, func() { sv.Stop(context.WithoutCancel(ctx), log); release() }, nil
		}
		if !waited {
			log.Info("waiting for another command to end", "command", owned.Info.Command, "pid", owned.Info.PID)
			waited = true
		}
		select {
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// startServices brings up the services whose role o holds, and their tables.
func (c *call) startServices(ctx context.Context, p *plan.Plan, o *instance.Owner, log *slog.Logger, short bool) (*instance.Services, func(), error) {
	bin, _ := c.getenv("TILLFLOW_POSTGRES_BIN")
	sv, err := instance.Start(ctx, p.Spec, o, bin, log)
	if err != nil {
		o.Release()
		return nil, nil, err
	}
	done := func() {
		if short {
			defer o.Folder.AwaitUsers(ctx)()
		}
		sv.Stop(context.WithoutCancel(ctx), log)
		o.Release()
	}
	if err = migrate(ctx, sv.DB, c.dir(), log); err == nil {
		err = sv.Announce(o)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return sv, done, nil
}

func cmdEnv(ctx context.Context, c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	p, f, err := c.open()
	if err != nil {
		return err
	}
	info, ok := f.Read(instance.ServicesRole)
	if !ok || !info.Ready {
		return errors.New("nothing runs here; start `dag up` or `dag run` first")
	}
	sv, err := instance.Attach(ctx, p.Spec, f)
	if err != nil {
		return err
	}
	defer sv.Stop(context.WithoutCancel(ctx), c.plainLog())
	address := sv.URL
	if !c.hist.secrets {
		if address = withoutPassword(address); address != sv.URL {
			fmt.Fprintln(c.stderr, "the password of the database is left out; dag env --secrets has it, and so can a PGPASSFILE")
		}
	}
	fmt.Fprintf(c.stdout, "export DATABASE_URL=%s\n", shellQuote(address))
	fmt.Fprintf(c.stdout, "export KAFKA_BROKERS=%s\n", shellQuote(strings.Join(sv.Brokers, ",")))
	if sv.PassFile != "" {
		fmt.Fprintf(c.stdout, "export PGPASSFILE=%s\n", shellQuote(sv.PassFile))
	}
	return nil
}

// withoutPassword takes the password out of a database's address; one that is no URL shows nothing after "password=".
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return passwordWord.ReplaceAllString(address, "")
	}
	if _, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
	}
	if q := u.Query(); q.Has("password") {
		q.Del("password")
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // libpq reads a + as itself
	}
	return u.String()
}

var passwordWord = regexp.MustCompile(`(?i)\s*\bpassword\s*=\s*('(\\.|[^'\\])*'|\S*)`)

// shellQuote makes one word of s for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
