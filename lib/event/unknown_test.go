package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"tillflow/lib/event"
)

// Every value nobody declared is counted by its name, whichever way the message was decoded; rejects count nothing.
func TestUnknownKeysAreCounted(t *testing.T) {
	t.Parallel()
	s := newSchema(t, []event.Field{{Name: "id", Type: kind(t, "int64")}, {Name: "city", Type: kind(t, "string"), Path: []string{"shop", "city"}}})
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	appendAll := func(msgs ...string) {
		t.Helper()
		for _, m := range msgs {
			_ = d.Append([]byte(m)) // some are rejects
		}
	}
	for i := range 100 { // one shape
		appendAll(fmt.Sprintf(`{"id":%d,"note":"n%d","shop":{"city":"Riyadh","lat":%d.5}}`, i, i, i))
	}
	for i := range 10 { // no shape
		appendAll(fmt.Sprintf("{\"shop\":{%s\"lat\":[%d],\"city\":\"x\"}, \"id\" : 1}", strings.Repeat(" ", i), i))
	}
	appendAll(
		`{"n\u006fte":1,"id":1,"shop":{"city":"a"}}`, // the exact path
		`{"note":1,"id":"x","shop":{"city":"a"}}`,    // a reject
		`{"note":1`, // no JSON
		`{"shop2":{"city":{"deep":1}},"id":1,"shop":{"city":"a","city2":null}}`, // what lies in an unknown key has no name
	)
	want := []event.Unknown{
		{Name: "note", Count: 101, Example: `"n0"`}, {Name: "shop.lat", Count: 110, Example: "0.5"},
		{Name: "shop2", Count: 1, Example: `{"city":{"deep":1}}`}, {Name: "shop.city2", Count: 1, Example: "null"},
	}
	if diff := cmp.Diff(want, d.Unknown()); diff != "" {
		t.Errorf("unknown keys (-want +got):\n%s", diff)
	}
	if got := d.Unknown(); got != nil {
		t.Errorf("counted again: %v", got)
	}
	appendAll(`{"id":1,"note":"later","shop":{"city":"Riyadh","lat":1.5}}`)
	want = []event.Unknown{{Name: "note", Count: 1, Example: `"n0"`}, {Name: "shop.lat", Count: 1, Example: "0.5"}}
	if diff := cmp.Diff(want, d.Unknown()); diff != "" {
		t.Errorf("unknown keys of the next rows (-want +got):\n%s", diff)
	}
}

// A producer that writes ids as keys does not fill the memory.
func TestUnknownKeysAreBounded(t *testing.T) {
	t.Parallel()
	s := newSchema(t, []event.Field{{Name: "id", Type: kind(t, "int64")}})
	d := s.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	for i := range 1000 {
		if err := d.Append(fmt.Appendf(nil, `{"id":1,"key %d":%d}`, i, i)); err != nil {
			t.Fatal(err)
		}
	}
	got := d.Unknown()
	total := int64(0)
	for _, u := range got {
		total += u.Count
	}
	if last := got[len(got)-1]; len(got) != 101 || total != 1000 || last != (event.Unknown{Name: event.OtherUnknown, Count: 900, Example: "key 100: 100"}) {
		t.Errorf("%d names, %d in all, the last is %+v", len(got), total, last)
	}
}
