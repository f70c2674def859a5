package stream

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/dag/run"
)

// lockedBuffer is a buffer that several goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Fields nobody declared are left out, counted by name, and told about once each with an example.
func TestUnknownFieldsAreToldOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	for p := range 2 {
		var values []string
		for i := range 300 {
			v := fmt.Sprintf(`{"till":%d,"promo":{"code":"SUMMER"},`, p) + makeSale(2*i+p, time.Duration(i)*time.Second)[1:]
			if i%100 == 0 {
				v = `{"cashier":"Noor",` + v[1:]
			}
			values = append(values, v)
		}
		r.send(p, values...)
	}
	var log lockedBuffer
	var last run.Progress
	var mu sync.Mutex
	j := r.job("once", func(w *With, d *Deps) {
		w.Batch = 50
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	_, err := j.Run(t.Context(), run.Input{Once: true, Progress: func(p run.Progress) {
		mu.Lock()
		defer mu.Unlock()
		last = p
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.verify()
	log.mu.Lock()
	text := log.b.String()
	log.mu.Unlock()
	for field, example := range map[string]string{"till": "example=", "promo": `example="{\"code\":\"SUMMER\"}"`, "cashier": `example="\"Noor\""`} {
		if n := strings.Count(text, "field="+field+" "); n != 1 || !strings.Contains(text, "field="+field+" "+example) {
			t.Errorf("the log tells %d times about %s:\n%s", n, field, text)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "unknown fields till (600), promo (600), cashier (6)"; !strings.Contains(last.Note, want) {
		t.Errorf("the last note is %q, want one with %q", last.Note, want)
	}
}
