package stream

import (
	"slices"
	"testing"
	"time"
)

// What a stream is set to is known to SQL as soon as it has started, and again after a change.
func TestSettingsAreKnownToSQL(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	r.once()
	r.with = decode(t, "late: include\nidle: 90s\nmax_skew: 2h\n"+everyWindow)
	r.once()
	for sql, want := range map[string][]string{
		"select job, topic, delay, idle_after, max_skew, late from dag.streams": {"(stream.test,transactions,00:05:00,00:01:30,02:00:00,include)"},
		"select table_name, size, step from dag.stream_windows order by 1":      {"(halves,01:00:00,00:30:00)", "(product_metrics_minute,00:01:00,00:01:00)", "(sliding,00:10:00,00:02:00)"},
		"select partitions, watermark from dag.watermarks":                      {"(2,)"},
	} {
		if got := r.texts(sql); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

// The slowest partition holds the stream's watermark back as long as it has something to say; when it falls silent, the
// others go on without it, and when it speaks again it counts again. One that never had a message never counts.
func TestASilentPartitionHoldsNothingBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3, "idle: 300ms\n"+sales)
	s := r.start("a")
	mark := func() string {
		return r.texts("select to_char(dag.watermark('stream.test'), 'HH24:MI') as at")[0]
	}
	n := 0
	send := func(partition, minute int) {
		n++
		r.send(partition, line(n, "P1", 1, minute))
	}
	send(0, 10)
	r.until("at the only partition that has spoken", func() bool { return mark() == "(12:05)" })
	send(1, 30)
	r.until("without the silent one", func() bool {
		send(1, 30)
		time.Sleep(50 * time.Millisecond)
		return mark() == "(12:25)"
	})
	send(0, 12)
	r.until("with the one that speaks again", func() bool { return mark() == "(12:07)" })
	r.until("without it once more", func() bool {
		send(1, 40)
		time.Sleep(50 * time.Millisecond)
		return mark() == "(12:35)"
	})
	s.stop()
	// A window that is closed stays closed while nothing runs.
	for range 2 {
		if got := r.texts("select count(*), count(*) filter (where window_end <= dag.closed_until('product_metrics_minute')) from product_metrics_minute"); !slices.Equal(got, []string{"(4,3)"}) {
			t.Errorf("of the windows at 10, 12, 30 and 40 minutes (all, closed) are %v", got)
		}
		r.once()
	}
	if got, want := mark(), "(12:35)"; got != want {
		t.Errorf("watermark %s, want %s", got, want)
	}
}
