package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	mostKept = 64 << 20 // bytes of files in memory
	mostFile = 16 << 20 // bytes of one file; a longer one is sent from the disk as it is
	minGzip  = 512      // bytes; less gains nothing
)

// folder is the output folder: its files by name, each read and compressed once per revision.
type folder struct {
	dir string

	mu    sync.Mutex
	kept  map[string]*revision
	bytes int // of all that are kept

	listed  time.Time // when names were read last
	changed time.Time // the time that the folder itself bore then
	revs    map[string]string
}

// revision is a file as it was written once.
type revision struct {
	rev, kind string // kind is its media type
	raw       []byte
	page      pageFacts // of a page

	once   sync.Once
	packed []byte // nil when it is not worth it
}

func newFolder(dir string) *folder { return &folder{dir: dir, kept: map[string]*revision{}} }

// served tells whether a file of this name may be read at all: one of the folder itself, and none that is hidden.
func served(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\\x00") && len(name) <= 255
}

// errTooLong says that a file is better sent from the disk.
var errTooLong = errors.New("the file is too long to be kept")

// read gives the present revision of a file. os.Root keeps the way inside the folder, links included.
func (f *folder) read(name string) (*revision, error) {
	if !served(name) {
		return nil, fs.ErrNotExist
	}
	file, st, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	f.mu.Lock()
	defer f.mu.Unlock() // so that a hundred readers of a new revision read it once
	now := rev(st)
	if old := f.kept[name]; old != nil && old.rev == now {
		return old, nil
	}
	if st.Size() > mostFile {
		return nil, errTooLong
	}
	raw, err := io.ReadAll(io.LimitReader(file, mostFile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r := &revision{rev: now, kind: mediaType(name), raw: raw}
	if strings.HasSuffix(name, ".html") {
		r.page = factsOf(raw)
	}
	f.keep(name, r)
	return r, nil
}

// keep puts a revision in place of the one before it. The caller holds mu.
func (f *folder) keep(name string, r *revision) {
	if old := f.kept[name]; old != nil {
		f.bytes -= len(old.raw)
		delete(f.kept, name)
	}
	for other, o := range f.kept { // any will do: what is read again is kept again
		if f.bytes+len(r.raw) <= mostKept {
			break
		}
		f.bytes -= len(o.raw)
		delete(f.kept, other)
	}
	f.kept[name] = r
	f.bytes += len(r.raw)
}

// open gives a file that is one.
func (f *folder) open(name string) (*os.File, fs.FileInfo, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	// A pipe would hold its reader up for ever.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, st, nil
}

// gzip is the file compressed; nil when that does not make it shorter.
func (r *revision) gzip() []byte {
	r.once.Do(func() {
		if len(r.raw) < minGzip || !compressible(r.kind) {
			return
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(r.raw)
		if err == nil && z.Close() == nil && b.Len() < len(r.raw) {
			r.packed = bytes.Clone(b.Bytes())
		}
	})
	return r.packed
}

func compressible(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "image/svg")
}

func mediaType(name string) string {
	switch ext := filepath.Ext(name); ext { // which the tables of systems do not agree on
	case ".html":
		return "text/html; charset=utf-8"
	case ".json":
		return "application/json"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
		return "application/octet-stream"
	}
}

// rev names a revision as an ETag does. A replaced file has another inode even where the clock of the file system is coarse.
func rev(st fs.FileInfo) string {
	var inode uint64
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		inode = s.Ino
	}
	return `"` + strconv.FormatInt(st.ModTime().UnixNano(), 36) + "-" + strconv.FormatUint(inode, 36) + "-" + strconv.FormatInt(st.Size(), 36) + `"`
}

const (
	watchEvery = 250 * time.Millisecond // how often the folder is looked at while a page is open
	listEvery  = 2 * time.Second        // how often its files are, when the folder itself has not changed
	coarse     = 100 * time.Millisecond // the clock of a file system may stand still for so long
)

// list gives the revision of each file, at most watchEvery old. The map must not be changed. A file is replaced by a
// rename, which changes the folder; so while that has not changed, a look costs one system call. A notification service of
// the system would need a module and differ between systems.
func (f *folder) list() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.listed) < watchEvery {
		return f.revs
	}
	st, err := os.Stat(f.dir)
	if err != nil {
		f.revs, f.changed = nil, time.Time{} // no folder yet: no files
		return nil
	}
	if st.ModTime().Equal(f.changed) && f.listed.Sub(f.changed) > coarse && now.Sub(f.listed) < listEvery {
		return f.revs
	}
	revs := map[string]string{}
	entries, _ := os.ReadDir(f.dir)
	for _, e := range entries {
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && served(e.Name()) {
			revs[e.Name()] = rev(st)
		}
	}
	f.listed, f.changed, f.revs = now, st.ModTime(), revs
	for name, r := range f.kept {
		if _, ok := revs[name]; !ok {
			f.bytes -= len(r.raw)
			delete(f.kept, name)
		}
	}
	return revs
}
