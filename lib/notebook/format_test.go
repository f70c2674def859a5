package notebook

import (
	"testing"
	"time"

	"tillflow/lib/frame"
)

func TestFormats(t *testing.T) {
	riyadh, err := time.LoadLocation("Asia/Riyadh")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 22, 14, 3, 0, time.UTC)
	l := locale{currency: "SAR", location: riyadh, now: at.Add(3 * time.Minute)}
	num := func(v float64) *frame.Column { return &frame.Column{Kind: frame.Float, Floats: []float64{v}} }
	whole := func(v int64) *frame.Column { return &frame.Column{Kind: frame.Int, Ints: []int64{v}} }
	word := func(s string) *frame.Column { return &frame.Column{Kind: frame.String, Strings: []string{s}} }
	moment := &frame.Column{Kind: frame.Time, Times: []time.Time{at}}
	for _, c := range []struct {
		name, format string
		col          *frame.Column
		want         string
	}{
		{"money", "sar", num(8732096.4), "SAR\u00a08,732,096"},
		{"money_two_decimals", "sar.2", num(-0.126), "SAR\u00a0\u22120.13"},
		{"money_compact", "sar.compact", num(1234567), "SAR\u00a01.23M"},
		{"compact_keeps_three_digits", "compact", num(2400000), "2.40M"},
		{"compact_rounds_up_a_unit", "compact", num(999950), "1.00M"},
		{"compact_small_whole", "compact", num(57), "57"},
		{"compact_small_fraction", "compact", num(5.678), "5.68"},
		{"int", "int", whole(1234567), "1,234,567"},
		{"int_minus", "int", num(-999.6), "\u22121,000"},
		{"no_minus_zero", "int", num(-0.4), "0"},
		{"num_trims", "num", num(1.50), "1.5"},
		{"num_fixed", "num.3", num(2), "2.000"},
		{"share", "pct.1", num(0.4312), "43.1%"},
		{"share_default", "pct", num(1), "100.0%"},
		{"clock", "time", moment, "01:14:03"},
		{"minute", "minute", moment, "01:14"},
		{"date_of_the_zone", "date", moment, "23 Nov 2026"},
		{"datetime", "datetime", moment, "23 Nov 01:14"},
		{"ago", "ago", moment, "3 min ago"},
		{"duration", "duration", num(3900), "1\u00a0h\u00a05\u00a0min"},
		{"duration_days", "duration", num(30 * 86400), "30\u00a0d"},
		{"words", "words", word("not_as_described"), "Not as described"},
		{"words_lower", "words.lower", word("Wrong_item"), "wrong item"},
		{"words_arabic", "words", word("\u062a\u0627\u0644\u0641_\u062c\u062f\u0627"), "\u062a\u0627\u0644\u0641 \u062c\u062f\u0627"},
		{"ids_have_no_commas", "text", whole(4103972), "4103972"},
		{"default_int", "", whole(4103972), "4,103,972"},
		{"default_time", "", moment, "23 Nov 01:14"},
		{"missing", "sar", &frame.Column{Kind: frame.Float, Floats: []float64{0}, Null: []bool{true}}, "\u2013"},
		{"no_row", "sar", &frame.Column{Kind: frame.Float}, "\u2013"},
		{"money_format_on_words", "sar", word("none"), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := parseFormat(c.format, "SAR")
			if err != nil {
				t.Fatal(err)
			}
			if got := l.value(f, c.col, 0, false); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestFormatsRefused(t *testing.T) {
	for in, want := range map[string]string{
		"sar.comapct": `unknown format "sar.comapct" (did you mean "sar.compact"?)`,
		"sar int":     `"sar int" holds two formats, "sar" and "int"`,
		"money":       `unknown format "money" (formats: text, words, words.lower, int, num, num.2, compact, pct, pct.1, sar, sar.2, sar.compact, time, minute, date, datetime, ago, duration, badge, bar)`,
		"num.7":       `unknown format "num.7" (did you mean "num.2"?)`,
	} {
		if _, err := parseFormat(in, "SAR"); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestZone(t *testing.T) {
	for zone, want := range map[string]string{"Asia/Riyadh": "UTC+3", "UTC": "UTC", "Asia/Kolkata": "UTC+5:30", "America/Halifax": "UTC\u22124"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := (locale{location: loc}).zone(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}
