package analyticsbench

import (
	"bufio"
	"encoding/binary"
	"os"
	"path/filepath"
)

// write puts columns into files that peers read: little-endian, one value after the other, NAME.i64 and so on.
func (b *bench) write(columns map[string]any) error {
	if len(b.peers) == 0 {
		return nil
	}
	for name, column := range columns {
		if err := writeColumn(filepath.Join(b.dir, name), column); err != nil {
			return err
		}
	}
	return nil
}

// writeColumn takes a slice of numbers of a fixed size.
func writeColumn(path string, column any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = binary.Write(w, binary.LittleEndian, column)
	if e := w.Flush(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
