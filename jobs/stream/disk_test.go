//go:build linux && chaos

package stream

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that is really full: a tablespace of 24 MB, most of it taken by somebody's file. Mounting it needs root.
func TestRealDiskIsFull(t *testing.T) {
	r := newRig(t, 2, sales)
	small := r.tablespace(24)
	p := r.producer(20, 2)
	log := &book{}
	s := r.start("a", log.keep)
	p.produce(5_000)
	r.caughtUp()
	filler := filepath.Join(small, "filler")
	if err := os.WriteFile(filler, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		p.produce(5_000)
		if log.count("SQLSTATE 53100") > 0 {
			break
		}
	}
	r.until("told", func() bool { return log.count("No space left on device (SQLSTATE 53100)") > 0 })
	p.produce(5_000)
	t.Logf("full with %d rows: %s", r.rows(), log)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	p.exact()
	s.stop()
}

// tablespace moves the raw table to a file system of its own with so many megabytes, and returns a folder on it.
func (r *rig) tablespace(megabytes int) string {
	r.t.Helper()
	var data string
	if err := r.db.QueryRow(r.t.Context(), "show data_directory").Scan(&data); err != nil {
		r.t.Fatal(err)
	}
	of, err := os.Stat(data)
	if err != nil {
		r.t.Fatal(err)
	}
	owner := of.Sys().(*syscall.Stat_t)
	dir := filepath.Join(filepath.Dir(data), fmt.Sprint("small-", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	options := fmt.Sprintf("size=%dm,mode=755,uid=%d,gid=%d", megabytes, owner.Uid, owner.Gid)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		r.t.Fatalf("mount a small file system on %s: %v; this test needs root", dir, err)
	}
	r.t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			r.t.Error(err)
		}
		_ = os.Remove(dir) // the server's folder goes as a whole
	})
	space := filepath.Join(dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Chown(space, int(owner.Uid), int(owner.Gid)); err != nil {
		r.t.Fatal(err)
	}
	r.exec("create tablespace small location '" + space + "'")
	r.exec("alter table transactions set tablespace small")
	r.exec("alter index transactions_pkey set tablespace small")
	r.t.Cleanup(func() {
		// The table goes with its database; the tablespace must be empty before.
		ctx := context.WithoutCancel(r.t.Context())
		for _, sql := range []string{"drop table transactions cascade", "drop tablespace small"} {
			if _, err := r.db.Exec(ctx, sql); err != nil {
				r.t.Errorf("%s: %v", sql, err)
			}
		}
	})
	return dir
}
