package chromium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// printTime is the longest time a page may take to print.
const printTime = time.Minute

// PDF prints an HTML page, as its print style lays it out.
func PDF(ctx context.Context, page []byte) (pdf []byte, err error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tillflow-print-")
	if err != nil {
		return nil, fmt.Errorf("print the page: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil && e != nil {
			err = fmt.Errorf("print the page: %w", e)
		}
	}()
	html, out := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(html, page, 0o600); err != nil {
		return nil, fmt.Errorf("print the page: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, printTime, fmt.Errorf("took longer than %s", printTime))
	defer cancel()
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(html)}
	cmd := exec.CommandContext(ctx, path, append(flags(filepath.Join(dir, "profile")), "--no-pdf-header-footer", "--print-to-pdf="+out, address.String())...)
	said, err := cmd.CombinedOutput()
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("print the page with %s: %w", path, cause)
	}
	if err != nil {
		return nil, fmt.Errorf("print the page with %s: %w\n%s", path, err, bytes.TrimSpace(said))
	}
	if pdf, err = os.ReadFile(out); err != nil {
		return nil, fmt.Errorf("print the page with %s: %w\n%s", path, err, bytes.TrimSpace(said))
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		return nil, errors.New("print the page: " + path + " wrote no PDF")
	}
	return pdf, nil
}
