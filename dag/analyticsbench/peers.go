package analyticsbench

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// script runs one task with one Python package and prints what it took.
//
//go:embed peers.py
var script string

// peerTime is how long a peer may take for one task, all rounds together.
const peerTime = 10 * time.Minute

// installed asks which peers there are.
func (b *bench) installed(ctx context.Context) ([]string, error) {
	if b.Python == "" {
		return nil, nil
	}
	out, err := b.python(ctx, "list")
	if err != nil {
		return nil, fmt.Errorf("ask %s for its packages: %w", b.Python, err)
	}
	peers := strings.Fields(out)
	b.Say("beside: " + strings.ReplaceAll(strings.Join(peers, ", "), "~", " "))
	return peers, nil
}

// ask runs a task with every peer that knows it. A peer that fails is told and left out: it may lack an extension, or
// memory.
func (b *bench) ask(ctx context.Context, m measure) ([]Peer, error) {
	var peers []Peer
	for _, name := range b.peers {
		task, peer, _ := strings.Cut(name, ":")
		if task != m.task {
			continue
		}
		peer = strings.ReplaceAll(peer, "~", " ")
		b.Say(m.name + ", " + peer)
		out, err := b.python(ctx, append([]string{"run", task, peer, strconv.Itoa(b.Rounds)}, m.args...)...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			b.Say(fmt.Sprintf("%s is left out: %v", peer, err))
			continue
		}
		p := Peer{Name: peer}
		if err := json.Unmarshal([]byte(out), &p); err != nil {
			return nil, fmt.Errorf("%s printed %q: %w", peer, out, err)
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// python runs the script in a process of its own, so that a peer's memory is its own, and gives what it printed last.
func (b *bench) python(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.Python, append([]string{"-"}, args...)...)
	cmd.Dir = b.dir
	cmd.Stdin = strings.NewReader(script)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if ctx.Err() == context.DeadlineExceeded {
			return "", fmt.Errorf("not done after %v", peerTime)
		}
		return "", errors.Join(err, errors.New(lines[len(lines)-1]))
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], nil
}
