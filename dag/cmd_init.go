package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tillflow"
)

// starter is a small pipeline that runs as it is: a topic, its tables, a statement, checks and a page. The word PROJECT in
// its files and their names stands for the name of the project.
//
//go:embed starter
var starter embed.FS

// cmdInit writes a working pipeline into a folder: a small one to be made into one's own, or the shop's. Nothing that is
// there is touched.
func cmdInit(_ context.Context, c *call) error {
	dir := "."
	switch len(c.args) {
	case 0:
	case 1:
		dir = c.args[0]
	default:
		return usagef("unexpected %q", c.args[1])
	}
	files, err := starterFiles(dir)
	if c.retail {
		files, err = textsOf(tillflow.Files)
	}
	if err != nil {
		return err
	}
	if err := writeNew(dir, files); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%d files in %s. Now:\n", len(files), dir)
	if dir != "." {
		fmt.Fprintf(c.stdout, "  cd %s\n", shellWord(dir))
	}
	fmt.Fprint(c.stdout, "  dag run       # everything, until Ctrl-C; the page is on http://127.0.0.1:8501\n"+
		"  dag graph     # what it does, in which order; then edit dagfile.yaml\n")
	return nil
}

// starterFiles are those of a small project in dir, which it is named after.
func starterFiles(dir string) ([]textFile, error) {
	root, err := fs.Sub(starter, "starter")
	if err != nil {
		return nil, err
	}
	files, err := textsOf(root)
	if err != nil {
		return nil, err
	}
	name, err := projectName(dir)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		files[i].name = strings.ReplaceAll(f.name, "PROJECT", name)
		files[i].text = bytes.ReplaceAll(f.text, []byte("PROJECT"), []byte(name))
	}
	schema, err := fs.ReadFile(tillflow.Files, "dagfile.schema.json") // which the first line of the dagfile names
	return append(files, textFile{"dagfile.schema.json", schema}), err
}

// projectName makes a name of a folder's: small letters, digits and underscores, such as coffee_bar for "Coffee Bar".
func projectName(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(filepath.Base(full)), "_"), "_")
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = strings.TrimSuffix("project_"+name, "_")
	}
	return name, nil
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// textFile is a file to be written; its name has slashes and starts at the folder of the project.
type textFile struct {
	name string
	text []byte
}

func textsOf(root fs.FS) (files []textFile, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		files = append(files, textFile{name, text})
		return err
	})
	return files, err
}

// writeNew writes files below dir, or none at all when one of them is there already.
func writeNew(dir string, files []textFile) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return usagef("%w; nothing was written", err)
			}
			return usagef("%s is there already; nothing was written, choose an empty folder: dag init DIR", path)
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeOnce(path, f.text); err != nil {
			return err
		}
	}
	return nil
}

// writeOnce makes a file; one that has appeared in the meantime is not touched.
func writeOnce(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// shellWord is a path as it is typed: in quotes only where it needs them.
func shellWord(path string) string {
	if plainWord.MatchString(path) {
		return path
	}
	return shellQuote(path)
}

var plainWord = regexp.MustCompile(`^[\w./-]+$`)
