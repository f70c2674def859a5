package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/lib/embedded"
	"tillflow/lib/golden"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pgtest"
)

// fill writes the lines of files into topics of the state folder's broker, alternating over two partitions.
func fill(t *testing.T, state string, topics map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{State: state, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kafkasrc.Open(broker.Brokers(), kafkasrc.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for topic, file := range topics {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.EnsureTopic(ctx, topic, 2); err != nil {
			t.Fatal(err)
		}
		var parts [2][]kafkasrc.Record
		for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
			parts[i%2] = append(parts[i%2], kafkasrc.Record{Value: line, TimeMs: time.Now().UnixMilli()})
		}
		p, err := client.NewProducer(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		for i, msgs := range parts {
			if err := p.Send(ctx, i, msgs); err != nil {
				t.Fatal(err)
			}
		}
	}
	client.Close()
	if err := broker.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// The fixed small log must give the same tables and the same page for ever.
func TestGoldenTablesOfASmallLog(t *testing.T) {
	const dagfile = "../testdata/small/dagfile.yaml"
	state, out := pgtest.StateDir(t), t.TempDir()
	fill(t, state, map[string]string{"transactions": "../testdata/small/transactions.jsonl", "refunds": "../testdata/small/refunds.jsonl"})
	common := []string{"-f", dagfile, "--state", state, "--out", out}
	for range 2 { // the second run finds nothing new and changes nothing
		code, stdout, stderr := dag(t, append([]string{"run", "--once", "-o", "json", "--as-of", "2026-01-05T16:00:00Z"}, common...)...)
		if code != 0 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
		checkEvents(t, stdout)
	}
	for name, query := range map[string]string{
		"dim_products":           "select * from dim_products order by 1",
		"transactions":           "select * from transactions order by ts, 1",
		"refunds":                "select * from refunds order by ts, 1",
		"product_metrics_minute": "select * from product_metrics_minute order by 1, 3",
		"customer_segments":      "select customer_id, recency_days, frequency, monetary, r_score, f_score, m_score, rfm_segment, cluster_id, as_of from customer_segments order by 1",
		"product_associations":   "select antecedent, consequent, round(support::numeric, 9) support, round(confidence::numeric, 9) confidence, round(lift::numeric, 9) lift, count, as_of from product_associations order by 1, 2",
		"anomalies":              "select product_id, window_start, observed, expected, round(score::numeric, 6) score, kind, window_minutes, method from anomalies order by 1, 2",
		"dead_letters":           `select topic, "partition", "offset", convert_from(value, 'utf8') as value, reason from dag.dead_letters order by 1, 2, 3`,
		"held_rows":              `select topic, "partition", "offset", missing, event_time, watermark from dag.held_rows order by 1, 2, 3`,
		"late_rows":              `select topic, "partition", "offset", event_time, watermark from dag.late_rows order by 1, 2, 3`,
		"ledger":                 "select job, topic, partition, next_offset, rows, max_event_time from dag.stream_offsets order by 1, 2, 3",
	} {
		code, stdout, stderr := dag(t, "sql", query, "-o", "csv", "-f", dagfile, "--state", state)
		if code != 0 {
			t.Errorf("%s: %s", name, stderr)
			continue
		}
		golden.Check(t, "../testdata/small/expected/"+name+".csv", []byte(stdout))
	}
	page, err := os.ReadFile(filepath.Join(out, "dashboard.html"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../testdata/small/expected/dashboard.html", steady(page))
}

// checkEvents reads what `dag run -o json` printed: one event a line, a beginning for each end, and every run succeeded.
func checkEvents(t *testing.T, stdout string) {
	t.Helper()
	began, ended := 0, 0
	for line := range strings.Lines(stdout) {
		var e runner.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Schema != runner.EventSchema || e.Time.IsZero() {
			t.Fatalf("%v in %s", err, line)
		}
		switch e.Event {
		case runner.RunStarted:
			began++
		case runner.RunEnded:
			if ended++; e.Result == nil || e.Result.Job != e.Job || e.State != string(run.Succeeded) {
				t.Errorf("a run ended as %s", line)
			}
		}
	}
	if began == 0 || began != ended {
		t.Errorf("%d runs began, %d ended", began, ended)
	}
}

// steady takes out of a page what differs from run to run (times of the clock, how long queries took, and the hashes that
// follow from them) and its style and script, which have tests of their own.
func steady(page []byte) []byte {
	for _, re := range unsteady {
		page = re.ReplaceAll(page, []byte("$1*$2"))
	}
	return page
}

var unsteady = []*regexp.Regexp{
	regexp.MustCompile(`(?s)(<style>).*?(</style>)`),
	regexp.MustCompile(`(?s)(<script>).*?(</script>)`),
	regexp.MustCompile(`(<meta http-equiv="Content-Security-Policy" content=")[^"]*(")`),
	regexp.MustCompile(`(data-(?:h|rev|built|edition)=")[^"]*(")`),
	regexp.MustCompile(`()[0-9.]+( ms)\b`),
	regexp.MustCompile(`(Built )[0-9:]+()`),
}

func TestSQLFormats(t *testing.T) {
	state := pgtest.StateDir(t)
	query := "select 1 as id, 'a,\"b' as name, null::int as none union all select 22, E'x\\ny', 3 order by 1"
	for format, want := range map[string]string{
		"table": "id  name  none\n--  ----  ----\n 1  a,\"b      \n22  x\\ny     3\n(2 rows)\n",
		"csv":   "id,name,none\n1,\"a,\"\"b\",\n22,\"x\ny\",3\n",
		"json":  "[\n  {\"id\": \"1\", \"name\": \"a,\\\"b\", \"none\": null},\n  {\"id\": \"22\", \"name\": \"x\\ny\", \"none\": \"3\"}\n]\n",
	} {
		code, stdout, stderr := dag(t, "sql", query, "-o", format, "-f", "../testdata/small/dagfile.yaml", "--state", state)
		if code != 0 || stdout != want {
			t.Errorf("%s: exit code %d, %s\ngot:\n%s\nwant:\n%s", format, code, stderr, stdout, want)
		}
	}
	code, _, stderr := dag(t, "sql", "select * from no_such_table", "-f", "../testdata/small/dagfile.yaml", "--state", state)
	if code != 1 || !strings.Contains(stderr, `relation "no_such_table" does not exist`) {
		t.Errorf("a failing query: exit code %d, %s", code, stderr)
	}
	var out bytes.Buffer
	if code := execute(context.Background(), []string{"sql", "-", "-o", "csv", "-f", "../testdata/small/dagfile.yaml", "--state", state}, strings.NewReader("select 7 as n"), &out, io.Discard); code != 0 || out.String() != "n\n7\n" {
		t.Errorf("a query from the input: exit code %d, %q", code, out.String())
	}
}
