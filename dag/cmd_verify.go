package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"text/tabwriter"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/jobs"
	"tillflow/jobs/stream"
	"tillflow/lib/ledger"
)

// cmdVerify proves that streams lost and doubled nothing.
func cmdVerify(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	nodes, err := streamsOf(p, c.args)
	if err != nil {
		return err
	}
	log := c.plainLog()
	sv, done, err := c.attached(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	var proofs []stream.Proof
	differ := false
	for _, n := range nodes {
		j, err := newStream(n, sv, log)
		if err != nil {
			return err
		}
		proof, err := j.Verify(ctx)
		if err != nil {
			return interrupted(ctx, fmt.Errorf("verify %s: %w", n.Name, err))
		}
		proofs = append(proofs, proof)
		differ = differ || len(proof.Differences) > 0
	}
	if c.format == "json" {
		err = writeProofsJSON(c.stdout, proofs)
	} else {
		err = writeProofs(c.stdout, proofs)
	}
	if err == nil && differ {
		err = &exitError{exitCheck, errors.New("something differs; the first batch named is where to look")}
	}
	return err
}

// streamsOf are the streams that selectors name, or all of them.
func streamsOf(p *plan.Plan, selectors []string) ([]*plan.Node, error) {
	nodes := p.Nodes
	if len(selectors) > 0 {
		var err error
		if nodes, err = selectJobs(p, selectors); err != nil {
			return nil, err
		}
	}
	var out []*plan.Node
	for _, n := range nodes {
		if _, ok := n.Job.Args.(*stream.With); ok {
			out = append(out, n)
		} else if slices.Contains(selectors, n.Name) {
			return nil, usagef("%s is a %s; only stream.kafka has a ledger", n.Name, n.Job.Uses)
		}
	}
	if len(out) == 0 {
		return nil, &exitError{exitNothing, errors.New("no stream.kafka job was selected")}
	}
	return out, nil
}

// newStream builds a stream beside whatever runs it: it must not take that process's name.
func newStream(n *plan.Node, sv *instance.Services, log *slog.Logger) (*stream.Job, error) {
	j, err := jobs.New(n.Name, n.Job.Uses, n.Job.Args, jobs.Env{DB: sv.DB, Brokers: sv.Brokers, Log: log})
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("job %s: %w", n.Name, err)}
	}
	return j.(*stream.Job), nil
}

func writeProofs(out io.Writer, proofs []stream.Proof) error {
	for i, p := range proofs {
		if i > 0 {
			fmt.Fprintln(out)
		}
		verdict := "adds up"
		if len(p.Differences) > 0 {
			verdict = "DIFFERS"
		}
		fmt.Fprintf(out, "%s %s\n", p.Job, verdict)
		if err := writeAccounts(out, p.Partitions); err != nil {
			return err
		}
		for _, t := range p.Tables {
			fmt.Fprintf(out, "  table %s: %s rows\n", t.Table, thousands(t.Rows))
		}
		for _, s := range p.Skips {
			fmt.Fprintf(out, "  skipped: %s\n", s)
		}
		for _, n := range p.Notes {
			fmt.Fprintf(out, "  note: %s\n", n)
		}
		for _, d := range p.Differences {
			fmt.Fprintf(out, "  differs: %s\n", d)
		}
	}
	return nil
}

// writeAccounts is a table of what became of each partition's messages, with their sum. Causes that no message has are
// left out, so that it fits a terminal.
func writeAccounts(out io.Writer, parts []ledger.Account) error {
	if len(parts) == 0 {
		return nil
	}
	causes := []struct {
		name  string
		count func(ledger.Account) int64
	}{
		{"MESSAGES", func(a ledger.Account) int64 { return a.Messages }},
		{"INSERTED", func(a ledger.Account) int64 { return a.Inserted }},
		{"LATE", func(a ledger.Account) int64 { return a.Late }},
		{"FUTURE", func(a ledger.Account) int64 { return a.Future }},
		{"DUPLICATE", func(a ledger.Account) int64 { return a.Duplicates }},
		{"CONFLICT", func(a ledger.Account) int64 { return a.Conflicts }}, // duplicates with other contents
		{"DEAD", func(a ledger.Account) int64 { return a.Dead }},
		{"HELD", func(a ledger.Account) int64 { return a.Held }},
		{"DROPPED", func(a ledger.Account) int64 { return a.Dropped }},
	}
	names, offsets := []string{"PARTITION"}, []string{"OFFSETS"}
	for _, a := range parts {
		names = append(names, fmt.Sprintf("%s/%d", a.Topic, a.Partition))
		offsets = append(offsets, fmt.Sprintf("%s..%s", thousands(a.First), thousands(a.Next)))
	}
	table := [][]string{append(names, "all"), append(offsets, "")}
	for i, cause := range causes {
		column, sum := []string{cause.name}, int64(0)
		for _, a := range parts {
			column, sum = append(column, thousands(cause.count(a))), sum+cause.count(a)
		}
		if sum > 0 || i < 2 {
			table = append(table, append(column, thousands(sum)))
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for row := range table[0] {
		for _, column := range table {
			fmt.Fprintf(w, "%s\t", column[row])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// writeProofsJSON gives a list with an object for each stream.
func writeProofsJSON(out io.Writer, proofs []stream.Proof) error {
	type proof struct {
		stream.Proof
		OK          bool     `json:"ok"`
		Differences []string `json:"differences"`
	}
	list := []proof{}
	for _, p := range proofs {
		lines := []string{}
		for _, d := range p.Differences {
			lines = append(lines, d.String())
		}
		list = append(list, proof{p, len(lines) == 0, lines})
	}
	return encode(out, list)
}
