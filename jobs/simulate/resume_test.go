package simulate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
)

// A start writes what a run without end would have written, wherever the one before was cut off: between messages,
// partitions or topics, and whatever others have written to the topics since.
func TestRestartAfterAnyCutGivesTheUncutLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, tt := range map[string]struct {
		yaml   string
		rounds int
	}{
		"one_rate":              {"", 8},
		"history_at_other_rate": {"{ rate: 60/m, history_rate: 6/m, history: 36h }", 8},
		"few_sales":             {"{ rate: 6/h, history: 20d, customers: 30, partitions: 5 }", 8},
	} {
		t.Run(name, func(t *testing.T) {
			reference := with(name+"-want", tt.yaml)
			b.once(t, reference, evening)
			want := b.log(t, reference)
			sound(t, want, evening)
			rng := rand.New(rand.NewPCG(1, 2))
			for round := range tt.rounds {
				w := with(fmt.Sprintf("%s-%d", name, round), tt.yaml)
				foreign := b.cut(t, rng, w, want)
				b.once(t, w, evening)
				mustEqual(t, want, without(b.log(t, w), foreign))
				if t.Failed() {
					t.Fatalf("round %d", round)
				}
			}
		})
	}
}

// span is a part of a partition's log: n messages from offset at.
type span struct{ at, n int }

// cut writes a beginning of a log into the topics of w: whole chunks up to a time, and a part of the chunk after it in
// the order in which chunks are written. Then it lets others write to the topics, and returns where that is.
func (b *bench) cut(t *testing.T, rng *rand.Rand, w With, want written) (foreign [kinds][]span) {
	t.Helper()
	from, to := cutTimes(rng, w)
	breakAt := rng.IntN(len(want[sales]) + len(want[refunds]))
	nth := 0
	for kind, topic := range w.Produces() {
		if err := b.client.EnsureTopic(t.Context(), topic, len(want[kind])); err != nil {
			t.Fatal(err)
		}
		producer, err := b.client.NewProducer(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for p, list := range want[kind] {
			whole, chunk := countUntil(t, list, from), countUntil(t, list, to)
			n := whole
			switch {
			case nth < breakAt:
				n = chunk
			case nth == breakAt:
				n = whole + rng.IntN(chunk-whole+1)
			}
			nth++
			others := noise(rng, list[:n])
			foreign[kind] = append(foreign[kind], span{n, len(others)})
			if all := append(list[:n:n], others...); len(all) > 0 {
				if err := producer.Send(t.Context(), p, all); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return foreign
}

// cutTimes chooses where a chunk begins and ends; one in four is the first of all.
func cutTimes(rng *rand.Rand, w With) (from, to time.Time) {
	w = w.withDefaults()
	begin := evening.Add(-*w.History).Truncate(time.Hour)
	from = begin.Add(time.Duration(rng.Int64N(int64(*w.History))))
	if rng.IntN(4) == 0 {
		from = begin.Add(-time.Hour)
	}
	to = from.Add(time.Duration(rng.Int64N(int64(20 * time.Hour))))
	if current := evening.Truncate(time.Hour); w.HistoryRate != w.Rate && from.Before(current) && to.After(current) {
		to = current.Add(-time.Second) // the history ends with its own chunk
	}
	return from, to
}

func countUntil(t *testing.T, list []kafkasrc.Record, until time.Time) int {
	t.Helper()
	at := until.UTC().Format(time.DateTime) // sorts as the time does, and stands at the end of each message
	for i, r := range list {
		if string(r.Value[len(r.Value)-len(at)-2:len(r.Value)-2]) > at {
			return i
		}
	}
	return len(list)
}

// noise is what others write behind our events: nothing, or garbage, old events again, and strangers in our own form;
// sometimes more than a start looks at first.
func noise(rng *rand.Rand, ours []kafkasrc.Record) []kafkasrc.Record {
	n := []int{0, 1, 7, 3 * tailLength}[rng.IntN(4)]
	var list []kafkasrc.Record
	for range n {
		value := []byte("not json")
		switch rng.IntN(4) {
		case 0:
			value = []byte(`{"transaction_id":1,"product_id":"LAPTOP-001","store_id":"STORE-RUH-01","customer_id":"CUST-00017","amount":4599.00,"timestamp":"2020-01-01 00:00:00"}`)
		case 1:
			value = []byte(`{"refund_id":7,"original_transaction_id":1,"product_id":"LAPTOP-001","store_id":"STORE-RUH-01","customer_id":"CUST-00017","refund_amount":4599.00,"reason":"defective","timestamp":"2020-01-01 00:00:00"}`)
		case 2:
			if len(ours) > 0 {
				value = ours[rng.IntN(len(ours))].Value
			}
		}
		list = append(list, kafkasrc.Record{Value: value})
	}
	return list
}

func without(log written, foreign [kinds][]span) written {
	for kind := range log {
		for p, s := range foreign[kind] {
			log[kind][p] = append(log[kind][p][:s.at:s.at], log[kind][p][s.at+s.n:]...)
		}
	}
	return log
}

// The time a program was off is filled in, as if it had never been off.
func TestTimeAwayIsFilledIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	whole, parts := with("whole", ""), with("parts", "")
	b.once(t, whole, evening)
	for _, ago := range []time.Duration{40 * time.Hour, 40*time.Hour - time.Second, 9 * time.Hour, 10 * time.Minute, 0} {
		w := parts
		w.History = new(72*time.Hour - ago) // begins with the same hour
		b.once(t, w, evening.Add(-ago))
	}
	mustEqual(t, b.log(t, whole), b.log(t, parts))
}

// After a break longer than the history, a new history begins in place of the whole time away.
func TestLongBreakBeginsANewHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := with("break", "history: 30h")
	b.once(t, w, evening)
	before := b.log(t, w)
	later := evening.Add(100 * time.Hour)
	b.once(t, w, later)
	log := b.log(t, w)
	sound(t, log, later)
	for p, list := range log[sales] {
		_, last := decode(t, before[sales][p][len(before[sales][p])-1].Value)
		_, next := decode(t, list[len(before[sales][p])].Value)
		if gap := next.Sub(last); gap < 69*time.Hour || gap > 72*time.Hour {
			t.Errorf("partition %d goes on after %s", p, gap)
		}
	}
}

// A shop with other settings goes on where the old one was: no id twice, no time left out, and what the old one sold is
// still brought back.
func TestChangedShopGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := with("changed", "rate: 10/m")
	b.once(t, old, evening)
	before := b.log(t, old)
	w := with("changed", "{ rate: 5/m, seed: 3, customers: 90 }")
	later := evening.Add(20 * time.Hour)
	b.once(t, w, later)
	b.once(t, w, later.Add(10*time.Hour))
	log := b.log(t, w)
	sound(t, log, later.Add(10*time.Hour))
	for p, list := range log[sales] {
		_, last := decode(t, before[sales][p][len(before[sales][p])-1].Value)
		_, next := decode(t, list[len(before[sales][p])].Value)
		if next.Before(last) || next.Sub(last) > 5*time.Minute {
			t.Errorf("partition %d: %s, then %s", p, last, next)
		}
	}
	ofOld := 0
	for p, list := range log[refunds] {
		for _, r := range list[len(before[refunds][p]):] {
			if e, _ := decode(t, r.Value); secondOf(e.Original) < evening.Unix() {
				ofOld++
			}
		}
	}
	if ofOld < 250 { // of 43,200 sales in three days some 1,400 were still to come back
		t.Errorf("%d refunds of what the old shop sold", ofOld)
	}
}

// When the clock was set back, nothing is written until it has caught up.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := with("back", "")
	b.once(t, w, evening)
	if r := b.once(t, w, evening.Add(-5*time.Hour)); r.RowsWritten != 0 {
		t.Errorf("%d events were written again", r.RowsWritten)
	}
	reference := with("back-want", "")
	reference.History = new(73 * time.Hour)
	b.once(t, w, evening.Add(time.Hour))
	b.once(t, reference, evening.Add(time.Hour))
	mustEqual(t, b.log(t, reference), b.log(t, w))
}
