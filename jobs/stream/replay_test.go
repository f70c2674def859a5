package stream

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/ledger"
)

// cheap is the sales stream before its schema was fixed: nothing may cost more than 100.
func cheap(t *testing.T) With {
	return decode(t, strings.Replace(sales, `amount:         { type: "decimal(12,2)"`, `amount:         { type: "decimal(12,2)", max: "100"`, 1))
}

func line(id int, product string, amount int, minute int) string {
	return fmt.Sprintf(`{"transaction_id":%d,"product_id":"%s","store_id":"S0","customer_id":"C","amount":%d,"timestamp":"%s"}`,
		id, product, amount, day.Add(time.Duration(minute)*time.Minute).Format("2006-01-02 15:04:05"))
}

// After the schema was fixed, a replay puts each dead letter where it belongs, once: on time or late by its own place in
// the log, a repeat, a row that waits for its dimension, or dead still.
func TestReplayPutsDeadLettersWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"alone", "beside the stream"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, sales)
			fixed := r.with
			r.with = cheap(t)
			r.send(0, line(1, "P1", 500, 0), line(2, "P1", 5, 0), line(3, "P1", 600, 0), line(3, "P1", 600, 0), line(4, "P2", 1, 60),
				line(5, "P2", 700, 1), line(6, "X", 800, 60), `no json`, line(7, "P3", 900, 60))
			r.once()
			if n := r.number("select count(*) from dag.dead_letters"); n != 7 {
				t.Fatalf("%d dead letters, want 7", n)
			}
			r.with = fixed
			if who != "alone" {
				s := r.start("a")
				r.caughtUp()
				defer s.stop()
			}
			got, err := r.job("replay").Replay(t.Context(), ledger.DeadFilter{})
			if err != nil {
				t.Fatal(err)
			}
			if want := (Replayed{Tried: 7, Stored: 5, Held: 1, Dead: 1}); got != want {
				t.Errorf("replayed %+v, want %+v", got, want)
			}
			r.verify()
			for _, c := range []struct {
				what, sql string
				want      []string
			}{
				{"rows", "select transaction_id from transactions order by 1", []string{"(1)", "(2)", "(3)", "(4)", "(5)", "(7)"}},
				{"late", `select "offset", row_key from dag.late_rows`, []string{`(5,"{5,""2025-01-01 12:01:00""}")`}},
				{"held", `select "offset", needs from dag.held_rows`, []string{"(6,{dim_products.product_id=X})"}},
				{"dead", `select "offset", replay_at from dag.dead_letters`, []string{"(7,)"}},
				{"entry", "select messages, inserted, late, duplicates, dead, held, dropped from dag.stream_batches", []string{"(9,6,1,1,1,1,0)"}},
				{"gates", "select sum(rows) from dag.stream_offsets", []string{"(6)"}},
			} {
				if diff := cmp.Diff(c.want, r.texts(c.sql)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.what, diff)
				}
			}
			if got, err := r.job("replay").Replay(t.Context(), ledger.DeadFilter{}); err != nil || got != (Replayed{Tried: 1, Dead: 1}) {
				t.Errorf("a second replay: %+v, %v; want the one that is no JSON", got, err)
			}
			if n, err := ledger.DropDead(t.Context(), r.db, ledger.DeadFilter{Reason: "json"}); err != nil || n != 1 {
				t.Errorf("dropped %d, %v; want 1", n, err)
			}
			r.prove()
		})
	}
}

// prove is the Verify of the program itself.
func (r *rig) prove() {
	r.t.Helper()
	proof, err := r.job("verify").Verify(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, d := range proof.Differences {
		r.t.Errorf("verify: %v", d)
	}
}

// Replays, drops, a stream that restarts and a dimension that comes all at once lose and double nothing.
func TestReplayAmongEverythingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, kept)
	fixed := r.with
	r.with = cheap(t)
	var bad []string
	for i := range 400 {
		bad = append(bad, line(i, []string{"P1", "X"}[i%2], 50+i, i/10))
	}
	r.send(0, bad...)
	r.send(1, bad[200:]...)
	r.once(func(w *With, _ *Deps) { w.Batch = 30 })
	r.with = fixed
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for i := range 6 {
			s := r.start("a", func(w *With, _ *Deps) { w.Batch = 7 })
			r.send(i%2, line(1000+i, "X", 1, 40))
			r.caughtUp()
			s.stop()
		}
		close(stop)
	})
	all.Go(func() {
		for {
			if _, err := r.job("replay").Replay(t.Context(), ledger.DeadFilter{}); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	partition, offset := 0, int64(10)
	if n, err := ledger.DropDead(t.Context(), r.db, ledger.DeadFilter{Partition: &partition, Offset: &offset}); err != nil || n > 1 {
		t.Errorf("dropped %d, %v", n, err)
	}
	r.productX()
	all.Wait()
	r.once()
	r.prove()
	if n := r.number("select (select count(*) from dag.dead_letters) + (select count(*) from dag.held_rows)"); n != 0 {
		t.Errorf("%d messages still wait", n)
	}
	dropped := r.number("select sum(dropped) from dag.stream_batches")
	if rows := r.number("select count(*) from transactions"); rows+dropped != 406 {
		t.Errorf("%d rows and %d dropped, want 406", rows, dropped)
	}
}
