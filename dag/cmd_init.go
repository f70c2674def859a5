package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tillflow"
)

// cmdInit writes the retail pipeline into a folder, as a start for one's own. Nothing that is there is touched.
func cmdInit(_ context.Context, c *call) error {
	dir := "."
	switch len(c.args) {
	case 0:
	case 1:
		dir = c.args[0]
	default:
		return usagef("unexpected %q", c.args[1])
	}
	var names []string
	err := fs.WalkDir(tillflow.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return usagef("%s is there already; nothing was written, choose an empty folder: dag init DIR", path)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(tillflow.Files, name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.stdout, "%d files in %s; edit dagfile.yaml, then `dag run` there\n", len(names), dir)
	return nil
}
