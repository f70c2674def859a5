package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
)

// header is one header in a column of JSON: [{"key": text, "value": base64 or null}].
type header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

func headersJSON(hs []Header) string {
	if len(hs) == 0 {
		return "[]"
	}
	out := make([]header, len(hs))
	for i, h := range hs {
		out[i] = header{text(h.Key), h.Value}
	}
	return mustJSON(out)
}

func parseHeaders(s []byte) ([]Header, error) {
	var in []header
	if err := json.Unmarshal(s, &in); err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	var out []Header
	for _, h := range in {
		out = append(out, Header(h))
	}
	return out, nil
}

// listJSON writes texts as a list, for columns of lists: an array of arrays cannot be unnested by one level.
func listJSON(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return mustJSON(out)
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and bytes always marshal
	}
	return string(b)
}

// text is s as Postgres can store it: UTF-8 without NUL. Reasons quote parts of bad messages.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
