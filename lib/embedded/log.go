//go:build unix

package embedded

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// longestLog is where a start puts the log aside, as postgres.log.1. A healthy server writes a few lines a day.
const longestLog = 10 << 20

func (pg *Postgres) logPath() string { return filepath.Join(pg.cfg.State, "postgres.log") }

// openLog opens the log to append to and notes where this start's lines begin.
func (pg *Postgres) openLog() (*os.File, error) {
	if info, err := os.Stat(pg.logPath()); err == nil && info.Size() > longestLog {
		if err := os.Rename(pg.logPath(), pg.logPath()+".1"); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(pg.logPath(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	pg.logStart = info.Size()
	return f, nil
}

// logTail returns the last ten lines since this start, for an error.
func (pg *Postgres) logTail() string {
	const lines, most = 10, 16 << 10
	f, err := os.Open(pg.logPath())
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	from := max(pg.logStart, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
