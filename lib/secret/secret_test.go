package secret_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tillflow/lib/secret"
)

func Example() {
	mask := secret.Hide(secret.In([]string{"API_TOKEN=s3cr3t", "DATABASE_URL=postgres://me:hunter2@db/shop", "HOME=/home/me"}))
	fmt.Println(mask.Text("dial postgres://me:hunter2@db/shop with s3cr3t in /home/me"))
	// Output: dial postgres://me:***@db/shop with *** in /home/me
}

func TestWhichAreSecrets(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]string{
		"PGPASSWORD=hunter2":                             "hunter2",
		"AWS_SECRET_ACCESS_KEY=abcdef":                   "abcdef",
		"github_token=ghp_1":                             "ghp_1",
		"DB_PASS=12345":                                  "12345",
		`DATABASE_URL=host=db user=me password='a b\'c'`: `a b\'c a b'c`,
		"DSN=Server=db;Password=hunter2;Timeout=5":       "hunter2",
		"URL=https://h/x?password=hunter2&a=b":           "hunter2",
		"URL=redis://:hunter2@h":                         "hunter2",
		"COMPASS=north-west":                             "",
		"PWD=/home/me/shop":                              "",
		"OLDPWD=/home/me":                                "",
		"KEYBOARD_LAYOUT=qwerty":                         "",
		"URL=postgres://me@db/shop":                      "",
		"PASSWORD=abc":                                   "", // too short to be hidden
		"USE_TOKEN=true":                                 "", // a word, no secret
		"NONE":                                           "",
	} {
		if got := strings.Join(secret.In([]string{variable}), " "); got != want {
			t.Errorf("%s: got %q, want %q", variable, got, want)
		}
	}
}

// A secret that holds another one leaves nothing of it behind, and a mask of nothing changes nothing.
func TestMask(t *testing.T) {
	t.Parallel()
	mask := secret.Hide(secret.In([]string{"A_TOKEN=abcd", "B_TOKEN=abcdefgh"}))
	if got := mask.Text("abcdefgh abcd abc"); got != "*** *** abc" {
		t.Errorf("got %q", got)
	}
	writer := &strings.Builder{}
	w := mask.Writer(writer)
	mask.Add([]string{"abcdefghij", "abcd"}) // a writer made before knows it, too, and the longest still comes first
	if _, err := w.Write([]byte("abcdefghij abcd\n")); err != nil || writer.String() != "*** ***\n" {
		t.Errorf("wrote %q, %v", writer, err)
	}
	var none *secret.Mask
	if got := none.Text("abcd"); got != "abcd" || none.Writer(os.Stderr) != os.Stderr {
		t.Errorf("got %q", got)
	}
	var b strings.Builder
	if n, err := mask.Writer(&b).Write([]byte("see abcd\n")); n != 9 || err != nil || b.String() != "see ***\n" {
		t.Errorf("wrote %q: %d, %v", b.String(), n, err)
	}
}
