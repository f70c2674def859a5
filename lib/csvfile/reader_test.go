package csvfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // into memory
	_ = z.Close()
	return b.String()
}

// read gives the rows of a file, each with its line, and the error that ended it.
func read(text string) (rows []string, err error) {
	r, err := New(strings.NewReader(text), "f.csv")
	if err != nil {
		return nil, err
	}
	rows = append(rows, strings.Join(r.Header, "|"))
	for {
		row, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, fmt.Sprintf("%d %s", r.Line(), strings.Join(row, "|")))
	}
}

func TestFilesAsTheyCome(t *testing.T) {
	t.Parallel()
	want := []string{"a|b", "2 1|x", `3 2|so "y"`, "4 3|two\nlines", "6 4|"}
	plain := "a,b\n1,x\n2,\"so \"\"y\"\"\"\n3,\"two\nlines\"\n4,\n"
	for name, text := range map[string]string{
		"plain": plain, "no_last_line_end": strings.TrimSuffix(plain, "\n"), "crlf": strings.ReplaceAll(plain, "\n", "\r\n"), "bom": "\ufeff" + plain,
		"gzip": packed(plain), "gzip_bom": packed("\ufeff" + plain), "two_gzips": packed(plain[:9]) + packed(plain[9:]), "empty_lines": plain + "\n\n",
	} {
		got, err := read(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, rows differ (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := read("a,b\n"); len(got) != 1 || err != nil {
		t.Errorf("a header only: %v, %v", got, err)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	whole := packed("a,b\n" + strings.Repeat("1,some text that does not pack so well\n", 10_000))
	damaged := []byte(whole)
	damaged[len(damaged)-8] ^= 1 // the checksum
	for name, tt := range map[string]struct{ text, want string }{
		"empty":           {"", "f.csv:1:1: the file is empty; its first line must name the columns"},
		"empty_gzip":      {packed(""), "f.csv:1:1: the file is empty"},
		"only_bom":        {"\ufeff", "f.csv:1:1: the file is empty"},
		"no_name":         {"a,\n", "f.csv:1:3: column 2 has no name"},
		"twice":           {"a,b,a\n", `f.csv:1:5: two columns are called "a"`},
		"short_row":       {"a,b\n1,2\n3\n", "f.csv:3:1: 1 cells where the header has 2"},
		"long_row":        {"a,b\n1,2,3\n", "f.csv:2:1: 3 cells where the header has 2"},
		"quote_inside":    {"a,b\n1,2\n3,x\"y\n", "f.csv:3:4: a quote is not closed or stands inside a cell"},
		"quote_open":      {"a,b\n1,2\n3,\"y\n4,5\n6,7\n", "f.csv:5:5: a quote is not closed or stands inside a cell; the row began in line 3"},
		"zip":             {"PK\x03\x04abc", "f.csv: this is a zip archive"},
		"utf16":           {"\xff\xfea\x00,\x00b\x00", "f.csv:1:1: the text is UTF-16; save it as UTF-8"},
		"gzip_cut":        {whole[:len(whole)/2], "the gzip file ends too early; it was not copied whole"},
		"gzip_no_trailer": {whole[:len(whole)-8], "f.csv:10002:1: the gzip file ends too early"},
		"gzip_checksum":   {string(damaged), "f.csv:10002:1: the file cannot be read further: gzip: invalid checksum"},
		"gzip_header":     {"\x1f\x8b\x09garbage", "f.csv: the gzip file is damaged at its begin: gzip: invalid header"},
		"endless_quote":   {"a,b\n1,2\n3,\"" + strings.Repeat("x", MaxRow+1<<17), "f.csv:3:1: the row has more than 16 MiB; is a quote not closed?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.csv.gz"), []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "x.csv.gz"), "x.csv.gz"); err == nil || err.Error() != "x.csv.gz: the name ends in .gz, but this is no gzip file" {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "none.csv"), "none.csv"); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// A cell may be long; what stands behind it is still found by its line.
func TestLongCell(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ab\n", 10<<20/3)
	got, err := read("a,b\n1,\"" + long + "\"\n2,x\n")
	if err != nil || len(got) != 3 || got[1] != "2 1|"+long || got[2] != fmt.Sprintf("%d 2|x", 3+strings.Count(long, "\n")) {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

func TestColumnAndPlaces(t *testing.T) {
	t.Parallel()
	r, err := New(strings.NewReader("basket,item\n1,a\n\"2\n\",b\n"), "f.csv")
	if err != nil {
		t.Fatal(err)
	}
	if i, err := r.Column("item"); i != 1 || err != nil {
		t.Error(i, err)
	}
	if _, err := r.Column("itme"); err == nil || err.Error() != `f.csv:1:1: there is no column "itme" (did you mean "item"?)` {
		t.Error(err)
	}
	if _, err := r.Column("price"); err == nil || err.Error() != `f.csv:1:1: there is no column "price" (the file has basket, item)` {
		t.Error(err)
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Wrong(1, "is wrong"); err.Error() != "f.csv:4:3: item: is wrong" {
		t.Error(err)
	}
	if err := r.WrongRow("is wrong"); err.Error() != "f.csv:3:1: is wrong" || r.Rows != 2 {
		t.Error(err, r.Rows)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\"\n"))
	f.Add([]byte(packed("a\n1\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := read(string(text)); err != nil && !strings.HasPrefix(err.Error(), "f.csv") {
			t.Errorf("%q: the error has no place: %v", text, err)
		}
	})
}

func Example() {
	r, err := New(strings.NewReader("basket,price\n1,2.50\n2,cheap\n"), "g.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	var price Type
	if err := price.UnmarshalText([]byte("decimal(12,2)")); err != nil {
		fmt.Println(err)
		return
	}
	for {
		row, err := r.Next()
		if err != nil {
			return
		}
		text, wrong := price.Append(nil, row[1])
		if wrong != "" {
			fmt.Println(r.Wrong(1, wrong))
			continue
		}
		fmt.Printf("%s\n", text)
	}
	// Output:
	// 2.50
	// g.csv:3:3: price: "cheap" is not a number
}
