package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/preview"
	"tillflow/lib/pg"
)

// reportNew writes a small report that can be rendered, about the project's main table when its database is up. Nothing
// is started for it, and no file is written over.
func reportNew(ctx context.Context, c *call, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usagef("name the report: dag report new NAME, or a file such as reports/shop.md")
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	path := args[0]
	if !strings.EqualFold(filepath.Ext(path), ".md") {
		if path != filepath.Base(path) {
			return usagef("%q is neither a name nor a file that ends with .md", path)
		}
		path = filepath.Join(c.dir(), "reports", path+".md")
	}
	if _, err := os.Lstat(path); err == nil {
		return usagef("%s is there already; choose another name, or delete it", path)
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	table, about := c.mainTable(ctx, p)
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if err := writeFresh(path, preview.Draft(titleOf(name), p.Spec.Location.String(), table)); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s, about %s. Now:\n  dag report watch %s   # and edit it: the page follows each save\n", path, about, shellWord(path))
	if file, err := filepath.Rel(c.dir(), path); err == nil && !strings.HasPrefix(file, "..") {
		fmt.Fprintf(c.stdout, "To have it rendered by `dag run`, add to the jobs of %s:\n  report.%s:\n    uses: report\n    when: { every: 5s }\n    with: { file: %s }\n",
			c.dagfile, name, filepath.ToSlash(file))
	}
	return nil
}

// askTime is how long the database has to answer.
const askTime = 5 * time.Second

// mainTable asks a database that is up what the report could be about; else it is about the pipeline's runs.
func (c *call) mainTable(ctx context.Context, p *plan.Plan) (*preview.Table, string) {
	const runs = "the pipeline's runs"
	f, err := instance.Open(c.state)
	if err != nil {
		return nil, runs
	}
	url, err := postgresURL(p, f)
	if err != nil {
		return nil, runs + ", for no database is up"
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	db, err := pg.Open(ctx, url)
	if err != nil {
		return nil, runs + ", for no database is up"
	}
	defer db.Close()
	t, err := preview.MainTable(ctx, db)
	if err != nil || t == nil {
		return nil, runs + ", for no table has rows yet"
	}
	return t, "the table " + t.Name
}

// titleOf makes a title of a file's name: top_stores is Top stores.
func titleOf(name string) string {
	words := strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' }), " ")
	if words == "" {
		return name
	}
	first := []rune(words)
	return strings.ToUpper(string(first[:1])) + string(first[1:])
}

// writeFresh writes a file that is not there yet.
func writeFresh(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already", path)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
