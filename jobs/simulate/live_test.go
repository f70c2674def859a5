package simulate

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/dag/run"
)

// fastClock runs a thousand times as fast as the real one.
type fastClock struct{ begin time.Time }

func (c fastClock) now() time.Time { return evening.Add(1000 * time.Since(c.begin)) }

// A live shop writes events when their time has come, stops cleanly, and leaves the log a single run would have left.
func TestLive(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := with("live", "{ rate: 20/m, history: 5h }")
	clock := fastClock{time.Now()}
	j, err := New("sim.pos", w, Deps{DB: b.db, Brokers: b.kafka.Brokers(), Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	var mu sync.Mutex
	var notes []string
	live := make(chan struct{})
	var once sync.Once
	_, err = j.Run(ctx, run.Input{Drain: time.Minute, Progress: func(p run.Progress) {
		mu.Lock()
		defer mu.Unlock()
		notes = append(notes, p.Note)
		if p.Watermark.After(clock.now()) {
			t.Errorf("an event of %s was written at %s", p.Watermark, clock.now())
		}
		if p.Watermark.Sub(evening) > 20*time.Minute && strings.Contains(p.Note, " sales a minute") {
			once.Do(func() { close(live); stop(run.ErrStop) })
		}
	}})
	<-live
	stopped := clock.now()
	if !errors.Is(err, run.ErrStop) {
		t.Fatalf("Run returned %v, want the cause of the stop", err)
	}
	all := strings.Join(notes, "\n")
	for _, want := range []string{"history ", " minutes", "live", " sales a minute"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the notes:\n%s", want, all)
		}
	}
	sound(t, b.log(t, w), stopped)

	end := stopped.Add(time.Hour)
	reference := with("live-want", "rate: 20/m")
	reference.History = new(end.Sub(evening.Add(-5 * time.Hour).Truncate(time.Hour)))
	b.once(t, w, end)
	b.once(t, reference, end)
	mustEqual(t, b.log(t, reference), b.log(t, w))
}

// A stop during the history ends it soon and leaves whole batches.
func TestStopDuringTheHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := with("stop", "{ rate: 60/m, history: 20d }")
	j, err := New("sim.pos", w, Deps{DB: b.db, Brokers: b.kafka.Brokers(), Now: func() time.Time { return evening }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	result, err := j.Run(ctx, run.Input{Drain: time.Minute, Progress: func(p run.Progress) {
		if p.Rows > 50_000 {
			stop(run.ErrStop)
		}
	}})
	if !errors.Is(err, run.ErrStop) || result.RowsWritten < 50_000 || result.RowsWritten > 200_000 {
		t.Fatalf("%+v, %v", result, err)
	}
	if n := b.log(t, w).count(); n != int(result.RowsWritten) {
		t.Errorf("%d events in the log, %d counted", n, result.RowsWritten)
	}
}

func TestEmptyCatalogueIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.db.Exec(t.Context(), "truncate dim_stores cascade"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"dim_stores is empty", "dim_products is empty", `relation "dim_products" does not exist`} {
		j, err := New("sim.pos", with("none", ""), Deps{DB: b.db, Brokers: b.kafka.Brokers()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.Run(t.Context(), run.Input{Once: true, Progress: func(run.Progress) {}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		next := "truncate dim_products cascade"
		if strings.HasPrefix(want, "dim_products") {
			next = "drop table dim_products cascade"
		}
		if _, err := b.db.Exec(t.Context(), next); err != nil && !strings.HasPrefix(want, "relation") {
			t.Fatal(err)
		}
	}
}
