// Package replace writes files that others read at the same time.
package replace

import (
	"fmt"
	"os"
	"path/filepath"
)

// File writes content beside path and renames it over path: readers get the old bytes or the new ones, never a part. A
// process that is killed leaves at most one temporary file, whose name begins with a point. It does not force the bytes
// to disk: what it is used for can be made again.
func File(path string, content []byte) (err error) {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(dir, "."+name+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	_, err = f.Write(content)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
