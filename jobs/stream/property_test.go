package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/kafkasrc"
)

// message is one random message and what the model needs to know of it.
type message struct {
	value     string
	partition int
	brokerMs  int64

	kind    string // good, dead, held
	id      int
	at      int64 // seconds after day
	product string
	cents   int64
}

// randomLog makes a log with a bit of everything. A repeated message goes to the partition of the first, as with a keyed
// topic: which of two partitions is stored first is nobody's promise.
func randomLog(rng *rand.Rand, n, partitions int) []message {
	return randomLogOf(rng, n, partitions, 0, 3)
}

// randomLogOf is randomLog with ids from first on, and step seconds between two messages.
func randomLogOf(rng *rand.Rand, n, partitions, first int, step int64) []message {
	var log []message
	for i := range n {
		e := message{kind: "good", id: first + i, at: int64(i)*step - int64(rng.IntN(30)), product: fmt.Sprint("P", rng.IntN(4)), cents: int64(rng.IntN(20_000) - 2_000)}
		e.partition = partitionOf(fmt.Sprint(i), partitions)
		e.brokerMs = day.Add(time.Duration(int64(i)*step) * time.Second).UnixMilli()
		switch rng.IntN(15) {
		case 0:
			e.at -= int64(rng.IntN(3000)) // may be late
		case 1:
			e.at += int64(rng.IntN(200)) // moves the watermark ahead
		case 2:
			if rng.IntN(3) == 0 {
				e.at += 2*3600 + int64(rng.IntN(100_000)) // a wrong clock
			}
		}
		switch rng.IntN(20) {
		case 0:
			e.kind = "dead"
		case 1, 2:
			e.kind, e.product = "held", "X"
		case 3, 4:
			if len(log) > 0 {
				e = log[rng.IntN(len(log))] // as long ago as it may be
			}
		}
		e.value = e.text()
		log = append(log, e)
	}
	return log
}

// text is the message as it stands in the log.
func (e message) text() string {
	text := fmt.Sprintf(`{"transaction_id":%d,"product_id":"%s","store_id":"S0","customer_id":"C%d","amount":%s,"timestamp":"%s"}`,
		e.id, e.product, e.id%5, money(e.cents), day.Add(time.Duration(e.at)*time.Second).Format("2006-01-02 15:04:05"))
	if e.kind == "dead" {
		text = strings.Replace(text, "amount", "amuont", 1)
	}
	return text
}

func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// model is what must come of a log, computed message by message with nothing of the program.
func model(log []message, partitions int, late string) map[string][]string {
	type window struct {
		minute  int64
		product string
	}
	sum, count, revised := map[window]int64{}, map[window]int64{}, map[window]int64{}
	stored := map[[2]int64]bool{}
	out := map[string][]string{}
	offset := make([]int, partitions)
	greatest := make([]int64, partitions)
	seen := make([]bool, partitions)
	add := func(table, format string, args ...any) { out[table] = append(out[table], fmt.Sprintf(format, args...)) }
	clock := func(s int64) string {
		return `"` + day.Add(time.Duration(s)*time.Second).Format("2006-01-02 15:04:05") + `"`
	}
	for _, e := range log {
		p := e.partition
		at := offset[p]
		offset[p]++
		if e.kind == "dead" {
			add("dead", "(%d,%d)", p, at)
			continue
		}
		before, known := greatest[p], seen[p]
		if day.Unix()+e.at <= e.brokerMs/1000+3600 && (!known || e.at > before) {
			greatest[p], seen[p] = e.at, true
		}
		if e.kind == "held" {
			mark := ""
			if known {
				mark = clock(before - 300)
			}
			add("held", "(%d,%d,%s,%s)", p, at, clock(e.at), mark)
			continue
		}
		key := [2]int64{int64(e.id), e.at}
		if stored[key] {
			continue
		}
		stored[key] = true
		add("raw", "(%d,%s,%s,%s)", e.id, clock(e.at), e.product, money(e.cents))
		if day.Unix()+e.at > e.brokerMs/1000+3600 {
			add("future", "(%d,%d,%s,%s,%d)", p, at, clock(e.at), clock(e.brokerMs/1000-day.Unix()), e.id)
		}
		minute := e.at / 60 // day is at a full minute
		if e.at < 0 {
			minute = -((-e.at + 59) / 60)
		}
		isLate := known && minute*60+60 <= before-300
		if isLate {
			add("late", "(%d,%d,%s,%s)", p, at, clock(e.at), clock(before-300))
		}
		if !isLate || late == "include" {
			w := window{minute, e.product}
			sum[w] += e.cents
			count[w]++
			if isLate {
				revised[w]++
			}
		}
	}
	for w := range sum {
		add("windows", "(%s,%s,%s,%s,%d,%d)", clock(w.minute*60), clock(w.minute*60+60), w.product, money(sum[w]), count[w], revised[w])
	}
	for p := range partitions {
		if offset[p] > 0 {
			mark := ""
			if seen[p] {
				mark = clock(greatest[p])
			}
			add("offsets", "(%d,%d,%s)", p, offset[p], mark)
		}
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

// tables reads what is there in the model's form.
func (r *rig) tables() map[string][]string {
	out := map[string][]string{}
	for table, sql := range map[string]string{
		"raw":     "select transaction_id, ts, product_id, amount from transactions",
		"windows": "select window_start, window_end, product_id, total_revenue, transaction_count, coalesce((to_jsonb(m)->>'revised')::bigint, 0) from product_metrics_minute m",
		"dead":    `select partition, "offset" from dag.dead_letters`,
		"held":    `select partition, "offset", event_time, watermark from dag.held_rows`,
		"late":    `select partition, "offset", event_time, watermark from dag.late_rows`,
		"future":  `select partition, "offset", event_time, log_time, row_key[1] from dag.future_rows`,
		"offsets": "select partition, next_offset, max_event_time from dag.stream_offsets where next_offset > 0",
	} {
		if lines := r.texts(sql); len(lines) > 0 {
			slices.Sort(lines)
			out[table] = lines
		}
	}
	return out
}

// How a log is cut into batches, who reads which partition, and when a worker stops and another goes on, must not show
// in any table.
func TestSameLogSameTables(t *testing.T) {
	t.Parallel()
	base := newRig(t, 1, sales)
	rng := rand.New(rand.NewPCG(7, 7))
	for round := range 16 {
		partitions := 1 + rng.IntN(3)
		log := randomLog(rng, 200+rng.IntN(600), partitions)
		r := *base
		r.with.Topic = fmt.Sprint("log", round)
		r.with.Late = []string{"drop", "include"}[round%2]
		r.append(log, partitions)
		want := model(log, partitions, r.with.Late)
		for _, how := range []string{"at once", "in pieces", "moved about"} {
			v := r
			v.exec("truncate transactions, product_metrics_minute, dag.stream_offsets, dag.stream_batches, dag.dead_letters, dag.held_rows, dag.late_rows, dag.future_rows")
			switch how {
			case "at once":
				v.once()
			case "in pieces":
				v.once(func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(40) })
			case "moved about":
				v.move(rng)
			}
			if diff := cmp.Diff(want, v.tables()); diff != "" {
				t.Fatalf("round %d, read %s: tables differ (-model +tables):\n%s", round, how, diff)
			}
			v.verify()
		}
	}
}

// append writes the log, with its own times, and waits for nothing.
func (r *rig) append(log []message, partitions int) {
	r.t.Helper()
	if err := r.client.EnsureTopic(r.t.Context(), r.with.Topic, partitions); err != nil {
		r.t.Fatal(err)
	}
	p, err := r.client.NewProducer(r.t.Context(), r.with.Topic)
	if err != nil {
		r.t.Fatal(err)
	}
	for part := range partitions {
		var msgs []kafkasrc.Record
		for _, e := range log {
			if e.partition == part {
				msgs = append(msgs, kafkasrc.Record{Value: []byte(e.value), TimeMs: e.brokerMs})
			}
		}
		if err := p.Send(r.t.Context(), part, msgs); err != nil {
			r.t.Fatal(err)
		}
	}
}

// move reads the log with workers that come and go.
func (r *rig) move(rng *rand.Rand) {
	r.t.Helper()
	for i := range 3 {
		a := r.start(fmt.Sprint("a", i%2), func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(10) })
		b := r.start("b", func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(10) })
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond) // where the cut falls is what varies
		if rng.IntN(2) == 0 {
			a.cancel(context.Canceled)
			<-a.ended
			b.stop()
		} else {
			b.stop()
			a.stop()
		}
	}
	r.once(func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(100) })
}
