//go:build unix

package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// settingsFile is read by postgresql.conf before its own lines, so that what a user writes into postgresql.conf wins.
// It is written anew at every start.
const settingsFile = "tillflow.conf"

// settings suit three writers on a machine of two cores and a few GB, where the batches of the stream are what costs.
// A commit waits for the disk, as by default: the ledger is the truth about progress.
const settings = `# Written at every start. Put your own settings into postgresql.conf: they win.
cluster_name = 'tillflow'
max_connections = 100
shared_buffers = 128MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 1GB
min_wal_size = 256MB
checkpoint_timeout = 5min
wal_compression = on
random_page_cost = 1.1
jit = off                      # the queries are short: compiling them costs more than it saves
autovacuum_naptime = 15s
autovacuum_vacuum_insert_scale_factor = 0.1
idle_in_transaction_session_timeout = 10min
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %q%a '
`

// scratchSettings are for a server whose data nobody will ask for again.
const scratchSettings = `
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 200
`

// fastCompression is for a server that was built with lz4. After each checkpoint every page that changes goes whole to the
// log first. With keys in no order these are most pages of an index at each checkpoint, and the compression that every
// server has took 0.15 ms for each: as much time as inserting the rows. This one takes a fifth of that or less.
const fastCompression = "wal_compression = lz4\n"

// compressesFast asks the server's program, as one that does not know the word would not start.
func compressesFast(ctx context.Context, b binaries, p place) bool {
	cmd := exec.CommandContext(ctx, b.postgres(), "-D", p.data(), "-c", "config_file="+os.DevNull, "-c", "wal_compression=lz4", "-C", "wal_compression")
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = attributes(p.acct, 0)
	out, err := cmd.Output()
	return err == nil && strings.TrimSpace(string(out)) == "lz4"
}

// writeSettings writes the server's settings file; more are lines that it ends with.
func writeSettings(p place, more string) error {
	text := settings + more
	path := filepath.Join(p.data(), settingsFile)
	if err := replaceFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return p.acct.own(path)
}

// includeSettings makes a new postgresql.conf read our settings first.
func includeSettings(data string) error {
	path := filepath.Join(data, "postgresql.conf")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := "include '" + settingsFile + "'\n" + withoutActive(string(text))
	return os.WriteFile(path, []byte(lines), info.Mode().Perm()) // in place: it keeps its owner
}

// withoutActive turns the settings initdb has written into comments where ours say the same thing, or the include
// would lose to them.
func withoutActive(conf string) string {
	lines := strings.Split(conf, "\n")
	for i, line := range lines {
		name, _, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if ok && name != "" && !strings.HasPrefix(name, "#") && strings.Contains(settings, "\n"+name+" =") {
			lines[i] = "#" + line
		}
	}
	return strings.Join(lines, "\n")
}

// serverArguments are what belongs to this start and not to the data.
func serverArguments(data, socket string, port int) []string {
	return []string{
		"-D", data, "-p", fmt.Sprint(port),
		"-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=" + socket,
		"-c", "unix_socket_permissions=0700",
		"-c", "logging_collector=off", // the log is our file, which the server gets as its standard error
	}
}
