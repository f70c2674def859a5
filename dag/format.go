package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// formats refuses an -o that a verb does not know.
func (c *call) formats(known ...string) error {
	if slices.Contains(known, c.format) {
		return nil
	}
	last := len(known) - 1
	return usagef("-o %s is not known; %s or %s", c.format, strings.Join(known[:last], ", "), known[last])
}

// encode writes a value as JSON for programs and for eyes.
func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
