//go:build unix

package embedded

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom the database server runs as. Postgres refuses to run as root, so a root process hands it to an
// unprivileged account; any other user runs it himself.
type account struct {
	name     string
	uid, gid uint32
	switches bool // the server runs as somebody else than this process
}

// serverAccount returns this process's own account, or as root the first of postgres and nobody that exists. It must
// be one with a passwd entry: initdb asks for it.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		name := strconv.Itoa(os.Geteuid())
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
		return account{name: name, uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, fmt.Errorf("run Postgres: it refuses to run as root and there is no user postgres or nobody: " +
		"create one, or run dag as an ordinary user")
}

// ownerAccount returns the account that owns a data folder made earlier, which is the only one Postgres accepts for it.
func ownerAccount(folder string, now account) (account, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return account{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == now.uid {
		return now, nil
	}
	if os.Geteuid() != 0 || st.Uid == 0 {
		return account{}, fmt.Errorf("the data in %s belongs to user %d and this is user %s: "+
			"run dag as its owner or as root, or choose another state folder", folder, st.Uid, now.name)
	}
	if u, err := user.LookupId(strconv.Itoa(int(st.Uid))); err == nil {
		return accountOf(u)
	}
	return account{name: strconv.Itoa(int(st.Uid)), uid: st.Uid, gid: st.Gid, switches: true}, nil
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("run Postgres as %s: user id %q: %w", u.Username, u.Uid, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("run Postgres as %s: group id %q: %w", u.Username, u.Gid, err)
	}
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), switches: true}, nil
}

// credential is what a child process needs to become the account; nil for our own.
func (a account) credential() *syscall.Credential {
	if !a.switches {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid} // and no further groups
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if !a.switches {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reach returns an error that names the first folder on the way to path, path itself included, that the account may
// not search. It reads the mode bits and not access control lists: at worst the data goes to another folder.
func (a account) reach(path string) error {
	if !a.switches {
		return nil
	}
	for _, dir := range ancestors(path) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			continue
		}
		search := os.FileMode(0o001)
		switch {
		case st.Uid == a.uid:
			search = 0o100
		case st.Gid == a.gid:
			search = 0o010
		}
		if info.Mode().Perm()&search == 0 {
			return fmt.Errorf("user %s may not enter %s (mode %04o)", a.name, dir, info.Mode().Perm())
		}
	}
	return nil
}
