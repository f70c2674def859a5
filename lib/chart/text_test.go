package chart

import (
	"encoding/xml"
	"html"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	t.Parallel()
	texts := []string{"", "a", "Laptop Pro 14", longName, arabicName, hostile, "日本語の長い商品名です", strings.Repeat("W", 300), "e\u0301e\u0301e\u0301"}
	for _, text := range texts {
		for room := 0.0; room < 400; room += 7 {
			got := cut(text, textSize, room)
			if w := width(got, textSize); w > room {
				t.Errorf("cut(%q, %g) is %q, %g wide", text, room, got, w)
			}
			if got != text && got != "" {
				kept := strings.TrimSuffix(strings.TrimSuffix(got, string(rightToLeft)), ellipsis)
				if !strings.HasPrefix(text, kept) || strings.HasSuffix(kept, " ") {
					t.Errorf("cut(%q, %g) is %q", text, room, got)
				}
			}
			if width(text, textSize) <= room && got != text {
				t.Errorf("cut(%q, %g) is %q, though it fits", text, room, got)
			}
		}
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	if a, b := width("1111", textSize), width("0000", textSize); a != b {
		t.Errorf("digits differ: %g and %g", a, b)
	}
	if a, b := width("e\u0301", textSize), width("e", textSize); a != b {
		t.Errorf("an accent takes room: %g and %g", a, b)
	}
	// A glyph the font lacks is taken as wider than a usual letter, so that names in other scripts get their room.
	for _, text := range []string{"ح", "日", "한", "♞"} {
		if w := width(text, textSize); w < 0.7*textSize {
			t.Errorf("width(%q) is %g", text, w)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "a & b", hostile, "line\nline", "\x01\x1f\x7f\u0085", "\xff\xfe", "\ufffe\uffff", arabicName, "']]>\"--><!--"} {
		got := escape(text)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "<>\"'\n\x00") {
			t.Errorf("escape(%q) is %q", text, got)
		}
		var v struct {
			A    string `xml:"a,attr"`
			Body string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(`<x a="`+got+`">`+got+`</x>`), &v); err != nil {
			t.Errorf("escape(%q): %v", text, err)
		}
		if v.A != v.Body || v.A != html.UnescapeString(got) {
			t.Errorf("escape(%q) reads as %q in an attribute, %q in an element and %q in HTML", text, v.A, v.Body, html.UnescapeString(got))
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		v                float64
		compact, grouped string
	}{
		{0, "0", "0"},
		{-0.001, "−0.001", "−0.001"},
		{7, "7", "7"},
		{0.5, "0.5", "0.50"},
		{2.4, "2.40", "2.40"},
		{31.46, "31.5", "31.46"},
		{999, "999", "999"},
		{999.7, "1.00K", "999.70"},
		{1234, "1.23K", "1,234"},
		{-1234, "−1.23K", "−1,234"},
		{922_000, "922K", "922,000"},
		{999_499, "999K", "999,499"},
		{999_500, "1.00M", "999,500"},
		{1_234_567, "1.23M", "1,234,567"},
		{9_107_939.5, "9.11M", "9,107,939.50"},
		{1e9, "1.00B", "1,000,000,000"},
		{1e12, "1.00T", "1,000,000,000,000"},
		{1e20, "1e+08T", "1e+20"},
		{nan, "–", "–"},
	}
	for _, c := range cases {
		if got := Compact(c.v); got != c.compact {
			t.Errorf("Compact(%g) is %q, want %q", c.v, got, c.compact)
		}
		if got := Grouped(c.v); got != c.grouped {
			t.Errorf("Grouped(%g) is %q, want %q", c.v, got, c.grouped)
		}
	}
}
