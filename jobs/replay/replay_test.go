package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/embedded"
	"tillflow/lib/event"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/strictyaml"
)

var clock = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// broker starts a broker for one test.
func broker(t testing.TB) []string {
	t.Helper()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return k.Brokers()
}

func decode(yaml string) (With, []strictyaml.Problem) {
	var w With
	return w, strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
}

// newJob makes a replay of f.csv in dir.
func newJob(t testing.TB, brokers []string, dir, yaml string) *Job {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("replay.shop", w, Deps{Brokers: brokers, Dir: dir, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func attempt(t testing.TB, j *Job) (run.Result, error) {
	t.Helper()
	return j.Run(t.Context(), run.Input{Job: "replay.shop", Drain: time.Minute, Progress: func(run.Progress) {}})
}

func write(t testing.TB, content string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// read gives the messages of a topic as "key value", by partition.
func read(t testing.TB, brokers []string, topic string) [][]string {
	t.Helper()
	client, err := kafkasrc.Open(brokers, kafkasrc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ranges, err := client.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]string, len(ranges))
	for p, log := range ranges {
		f := client.NewFetcher(topic, p)
		for at := log.Start; at < log.End; {
			got, err := f.Fetch(t.Context(), at, time.Second, func(m *kafkasrc.Message) error {
				out[p] = append(out[p], string(m.Key)+" "+string(m.Value))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			at = got.Next
		}
	}
	return out
}

const shop = "invoice,qty,price,when,customer,note\n" +
	"536365,6,2.55,2010-12-01T08:26Z,17850,\"WHITE \"\"HEART\"\"\"\n" +
	"536366,-1,.5,2010-12-01T09:00Z,,\"two\nlines\tü\\\"\n" +
	"C3,007,1,2010-12-02,13047,\n"

const mapping = `{ file: f.csv, topic: sales, key: customer_id, time: ts, fields: { id: { row: true }, invoice: invoice,
	qty: { column: qty, type: int64 }, price: { column: price, type: "decimal(9,2)" }, ts: { column: when, type: timestamp },
	customer_id: customer, note: note } %s }`

// What is written is JSON of the declared types, and an event schema reads it.
func TestRowsBecomeEvents(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	j := newJob(t, brokers, write(t, shop), fmt.Sprintf(mapping, ""))
	res, err := attempt(t, j)
	if err != nil || res.RowsRead != 3 || res.RowsWritten != 3 || res.Note != "3 events written" {
		t.Fatalf("%+v, %v", res, err)
	}
	want := map[string]string{
		"17850": `{"id":1,"invoice":"536365","qty":6,"price":2.55,"ts":"2010-12-01 08:26:00","customer_id":"17850","note":"WHITE \"HEART\""}`,
		"":      `{"id":2,"invoice":"536366","qty":-1,"price":0.5,"ts":"2010-12-01 09:00:00","customer_id":null,"note":"two\nlines\u0009ü\\"}`,
		"13047": `{"id":3,"invoice":"C3","qty":7,"price":1,"ts":"2010-12-02 00:00:00","customer_id":"13047","note":null}`,
	}
	logs := read(t, brokers, "sales")
	if len(logs) != 2 {
		t.Fatalf("%d partitions", len(logs))
	}
	n := 0
	for p, list := range logs {
		for _, m := range list {
			n++
			key, value, _ := strings.Cut(m, " ")
			if value != want[key] || !json.Valid([]byte(value)) {
				t.Errorf("key %q:\n got %s\nwant %s", key, value, want[key])
			}
			if key != "" && kafkasrc.PartitionOf([]byte(key), 2) != p || key == "" && p != 0 { // row 2 of 2 partitions
				t.Errorf("key %q is in partition %d", key, p)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d messages", n)
	}
	res, err = attempt(t, j)
	if err != nil || res.RowsWritten != 0 || res.Note != "all 3 rows are in the topic already" {
		t.Errorf("a second run: %+v, %v", res, err)
	}
}

func TestShifts(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	dir := write(t, shop)
	for shift, want := range map[string]string{
		"first-to-now": "2026-03-01 12:00:00 2026-03-01 12:34:00 2026-03-02 03:34:00",
		"last-to-now":  "2026-02-28 20:26:00 2026-02-28 21:00:00 2026-03-01 12:00:00",
		"-1d":          "2010-11-30 08:26:00 2010-11-30 09:00:00 2010-12-01 00:00:00",
		"2h":           "2010-12-01 10:26:00 2010-12-01 11:00:00 2010-12-02 02:00:00",
	} {
		topic := strings.Trim(shift, "-")
		j := newJob(t, brokers, dir, "{ file: f.csv, topic: "+topic+", partitions: 1, time: ts, shift: "+shift+", fields: { ts: { column: when, type: timestamp } } }")
		if _, err := attempt(t, j); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range read(t, brokers, topic)[0] {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(m, ` {"ts":"`), `"}`))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s", shift, strings.Join(got, " "))
		}
	}
}

// rowsOf makes a file of n rows, many of them alike.
func rowsOf(n int) string {
	var b strings.Builder
	b.WriteString("n,customer\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,c%d\n", i%5, i%7)
	}
	return b.String()
}

const numbered = "{ file: f.csv, topic: sales, key: customer, fields: { n: { column: n, type: int64 }, customer: customer, row: { row: true } } %s }"

// Beside other messages, stopped at any place, and with more partitions later on: each row is there once.
func TestResume(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	dir := write(t, rowsOf(70_000))
	client, err := kafkasrc.Open(brokers, kafkasrc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.EnsureTopic(t.Context(), "sales", 3); err != nil {
		t.Fatal(err)
	}
	strangers, err := client.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	total, stops := int64(0), 0
	for done := false; !done; {
		ctx, cancel := context.WithCancelCause(t.Context())
		j := newJob(t, brokers, dir, fmt.Sprintf(numbered, ""))
		res, err := j.Run(ctx, run.Input{Drain: time.Minute, Progress: func(p run.Progress) {
			if stops < 2 {
				cancel(run.ErrStop)
			}
		}})
		cancel(nil)
		total += res.RowsWritten
		switch {
		case errors.Is(err, run.ErrStop):
			stops++
			for p := range 3 { // behind ours, and so many that they fill the end of the log
				var rs []kafkasrc.Record
				for range 2_500 {
					rs = append(rs, kafkasrc.Record{Value: []byte("{}"), Headers: []kafkasrc.Header{{Key: header, Value: []byte("9999999 0 3 another")}, {Key: header, Value: []byte("x")}}})
				}
				if err := strangers.Send(t.Context(), p, rs); err != nil {
					t.Fatal(err)
				}
			}
		case err != nil:
			t.Fatal(err)
		default:
			done = true
		}
	}
	if stops != 2 || total != 70_000 {
		t.Errorf("%d events in %d runs", total, stops+1)
	}
	check(t, brokers, 70_000)
	// Another id plays it again.
	if res, err := attempt(t, newJob(t, brokers, dir, fmt.Sprintf(numbered, ", id: again"))); err != nil || res.RowsWritten != 70_000 {
		t.Errorf("%+v, %v", res, err)
	}
}

// check says that each of n rows is in the topic once, in order within its partition, and in the partition of its key.
func check(t *testing.T, brokers []string, n int) {
	t.Helper()
	seen := make([]int, n+1)
	logs := read(t, brokers, "sales")
	for p, list := range logs {
		last := 0
		for _, m := range list {
			key, value, _ := strings.Cut(m, " ")
			if value == "{}" {
				continue
			}
			row, err := strconv.Atoi(strings.TrimSuffix(value[strings.LastIndexByte(value, ':')+1:], "}"))
			if err != nil || row < 1 || row > n || key != "c"+strconv.Itoa((row-1)%7) || p != kafkasrc.PartitionOf([]byte(key), len(logs)) ||
				value != `{"n":`+strconv.Itoa((row-1)%5)+`,"customer":"`+key+`","row":`+strconv.Itoa(row)+"}" {
				t.Fatalf("partition %d: %s, %v", p, m, err)
			}
			if row <= last {
				t.Fatalf("partition %d: row %d after %d", p, row, last)
			}
			last = row
			seen[row]++
		}
	}
	for row, times := range seen[1:] {
		if times != 1 {
			t.Fatalf("row %d is there %d times", row+1, times)
		}
	}
}

// A mistake is told by its place. What stands before it is written, and a run after it was mended goes on there.
func TestMistakesInTheFile(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(rowsOf(5000)))
	_ = w.Close()
	for name, tt := range map[string]struct{ content, want string }{
		"empty":          {"", "f.csv:1:1: the file is empty"},
		"missing_column": {"n,custmer\n1,a\n", `f.csv:1:1: there is no column "customer" (did you mean "custmer"?)`},
		"bad_cell":       {"n,customer\n1,a\nx,b\n", `f.csv:3:1: n: "x" is not a whole number`},
		"nul":            {"n,customer\n1,a\x00\n", "f.csv:2:3: customer: holds a zero byte"},
		"quote":          {"n,customer\n1,a\"b\n", "f.csv:2:4: a quote is not closed"},
		"gzip_cut":       {z.String()[:z.Len()/2], "the gzip file ends too early"},
		"long_cell":      {"n,customer\n1,a\n2," + strings.Repeat("x", 10<<20) + "\n", "f.csv:3:3: customer: has 10485760 bytes, a message may have 1000000"},
	} {
		t.Run(name, func(t *testing.T) {
			topic := strings.ReplaceAll(name, "_", "-")
			yaml := strings.Replace(fmt.Sprintf(numbered, ""), "topic: sales", "topic: "+topic, 1)
			_, err := attempt(t, newJob(t, brokers, write(t, tt.content), yaml))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if name != "bad_cell" {
				return
			}
			res, err := attempt(t, newJob(t, brokers, write(t, strings.Replace(tt.content, "x", "2", 1)), yaml))
			if err != nil || res.RowsWritten != 1 {
				t.Errorf("mended: %+v, %v", res, err)
			}
		})
	}
	for name, content := range map[string]string{"header-only": "n,customer\n", "bom-crlf": "\ufeffn,customer\r\n1,a\r\n"} {
		yaml := strings.Replace(fmt.Sprintf(numbered, ""), "topic: sales", "topic: "+name, 1)
		if res, err := attempt(t, newJob(t, brokers, write(t, content), yaml)); err != nil || res.RowsWritten != int64(strings.Count(content, "a")) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

// With a rate or a speed no event is written before its time. The clock is the real one.
func TestPace(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	for name, tt := range map[string]struct {
		pace  string
		least time.Duration
	}{
		"rate":  {"rate: 50/s", 380 * time.Millisecond},             // 20 events, the last after 19/50 s
		"speed": {"speed: 3600x, time: ts", 475 * time.Millisecond}, // 19 times 90 s
	} {
		var b strings.Builder
		b.WriteString("when\n")
		for i := range 20 {
			b.WriteString(clock.Add(time.Duration(i)*90*time.Second).Format(time.DateTime) + "\n")
		}
		j := newJob(t, brokers, write(t, b.String()), "{ file: f.csv, topic: "+name+", "+tt.pace+", fields: { ts: { column: when, type: timestamp } } }")
		j.deps.Now = time.Now
		began, told := time.Now(), 0
		res, err := j.Run(t.Context(), run.Input{Drain: time.Minute, Progress: func(run.Progress) { told++ }})
		if took := time.Since(began); err != nil || res.RowsWritten != 20 || took < tt.least || told == 0 {
			t.Errorf("%s: %+v in %s, told %d times, %v", name, res, took, told, err)
		}
	}
	j := newJob(t, brokers, write(t, "when\n\n2026-01-01\n\"\"\n"), "{ file: f.csv, topic: none, speed: 9999999x, time: ts, fields: { ts: { column: when, type: timestamp } } }")
	if _, err := attempt(t, j); err == nil || !strings.Contains(err.Error(), "f.csv:4:1: ts is empty, so speed does not know when the event happened") {
		t.Error(err)
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	const rest = ", file: f, topic: t, fields: { a: b, at: { column: c, type: timestamp } } }"
	for yaml, want := range map[string]string{
		"{}":                                        `"file" is missing`,
		"{ file: f, topic: t, fields: {} }":         "fields names no field of the message",
		"{ file: f, topic: t, fields: { a: } }":     `dagfile.yaml:1:32: field "a" comes from nowhere`,
		"{ file: f, topic: t, fields: { a: [b] } }": "the name of a column is missing",
		"{ file: f, topic: t, fields: { a: { row: true, column: b } } }":     "column and row stand side by side",
		"{ file: f, topic: t, fields: { a: { type: int64 } } }":              "the field comes from nowhere; give it a column, or row: true",
		"{ file: f, topic: t, fields: { a: { column: b, type: integer } } }": `unknown type "integer"`,
		"{ key: b" + rest:                          `key "b" is no field`,
		"{ time: att" + rest:                       `time "att" is no field (did you mean "at"?)`,
		"{ time: a" + rest:                         `time "a" is a string (its type must be timestamp)`,
		"{ speed: 10x" + rest:                      "speed needs to know when an event happened (time names that field)",
		"{ speed: 10" + rest:                       `"10" is not a speed; write how many times as fast as it was recorded, such as 10x`,
		"{ speed: 10x, rate: 5/s, time: at" + rest: "rate and speed stand side by side",
		"{ rate: fast" + rest:                      `"fast" is not a rate`,
		"{ shift: last-to-now" + rest:              "shift needs to know when an event happened",
		"{ shift: now, time: at" + rest:            `"now" is not a shift; write first-to-now, last-to-now, or a time such as 30d or -2h`,
		"{ partitions: -1" + rest:                  "number of partitions is out of range",
		"{ id: a b" + rest:                         "id holds white space",
	} {
		_, ps := decode(yaml)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
	w, ps := decode("{ id: x" + rest)
	f, _ := w.Fields.Get("a")
	if len(ps) > 0 || f.Column != "b" || f.Type.Kind != event.String || w.Produces()[0] != "t" || w.Files()[0] != "f" {
		t.Errorf("%+v %v", w, ps)
	}
}
