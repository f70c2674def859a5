package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tillflow/lib/strictyaml"
)

// missing says what is wrong with a file that the dagfile names, relative to its folder, and which one was probably
// meant.
func (c *call) missing(path string) (msg, hint string) {
	full := path
	if !filepath.IsAbs(path) {
		full = filepath.Join(c.dir(), path)
	}
	info, err := os.Stat(full)
	switch {
	case err == nil && info.IsDir():
		return fmt.Sprintf("%q is a folder, not a file", path), ""
	case err == nil:
		return "", ""
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("the file %q cannot be read: %s", path, err), ""
	}
	entries, err := os.ReadDir(filepath.Dir(full))
	if err != nil {
		return fmt.Sprintf("there is no file %q", path), fmt.Sprintf("paths start at the folder of the dagfile; it has no folder %s", filepath.Dir(path))
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, filepath.ToSlash(filepath.Join(filepath.Dir(path), e.Name())))
		}
	}
	hint = strictyaml.Suggest(path, names)
	if hint == "" {
		hint = "paths start at the folder of the dagfile"
	}
	return fmt.Sprintf("there is no file %q", path), hint
}
