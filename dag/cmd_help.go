package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// chapters put the verbs in the order in which one meets them.
var chapters = []struct {
	name  string
	verbs []string
}{
	{"Run", []string{"run", "up", "stop", "pause", "resume", "retry", "backfill"}},
	{"Look", []string{"status", "history", "show", "logs", "ls", "graph"}},
	{"Explain", []string{"plan", "why"}},
	{"Data", []string{"sql", "env", "test", "verify", "deadletters", "skip"}},
	{"Project", []string{"init", "validate", "report", "schema", "completion", "bench", "help"}},
}

const helpTail = `
SELECTOR: a job, a pattern (ml.*), kind:stream, kind:batch, uses:KIND, tag:TAG,
state:failed; +JOB with what is upstream, JOB+ downstream, JOB+2 two edges far,
@JOB all that goes with it; "a b" is either, "a,b" both; --exclude leaves out.

Every verb takes -f FILE (the dagfile; dagfile.yaml), --state DIR (data of the
embedded services; .tillflow) and --out DIR (pages; reports/out).

KAFKA_BROKERS  embedded, embedded:PORT (0: any free one) or host:port,...
DATABASE_URL   embedded, embedded:PORT or postgres://...
DAG_LISTEN     where pages are served; 127.0.0.1:8501, others need a DAG_TOKEN
NO_COLOR       no colour; TILLFLOW_STATE, TILLFLOW_OUT: as the flags;
               TILLFLOW_POSTGRES_BIN: folder of initdb and postgres

Exit codes: 0 done, 1 a job failed, 2 wrong dagfile or flags, 3 a check of the
data failed, 4 nothing selected, 5 a job timed out, 130 interrupted
`

// cmdHelp shows all verbs on one screen, or one verb with its flags.
func cmdHelp(_ context.Context, c *call) error {
	if len(c.args) > 1 {
		return usagef("unexpected %q; name one verb", c.args[1])
	}
	if len(c.args) == 1 {
		for _, cmd := range commands {
			if cmd.name == c.args[0] {
				return (&call{command: cmd, getenv: c.getenv}).help(c.stdout)
			}
		}
		return unknownVerb(c.args[0])
	}
	var b strings.Builder
	b.WriteString("dag runs the pipeline that dagfile.yaml declares. `dag VERB -h` tells its flags.\n")
	for _, ch := range chapters {
		fmt.Fprintf(&b, "\n%s\n", ch.name)
		for _, verb := range ch.verbs {
			i := slices.IndexFunc(commands, func(cmd command) bool { return cmd.name == verb })
			fmt.Fprintf(&b, "  %-23s %s\n", strings.TrimSpace(verb+" "+operands(commands[i].args)), commands[i].about)
		}
	}
	b.WriteString(helpTail)
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

// unknownVerb is what is said of a verb that is none.
func unknownVerb(word string) error {
	names := make([]string, len(commands))
	for i, cmd := range commands {
		names[i] = cmd.name
	}
	return usagef("%q is not a command%s; `dag help` lists them", word, hint(word, names))
}

// operands are a verb's arguments without its flags: "JOB [-f]" is "JOB". What is a list of words ends after the second.
func operands(args string) string {
	args = strings.TrimSpace(flagArgs.ReplaceAllString(args, ""))
	if words := strings.Split(args, "|"); len(args) > 12 && len(words) > 2 {
		args = words[0] + "|" + words[1] + "|…"
	}
	return args
}

var flagArgs = regexp.MustCompile(`\[-[^]]*\]|(^| )--?[a-z].*`)

// help tells all about one verb: what it does, and each flag with its value and its default.
func (c *call) help(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "dag %s\n", strings.TrimSpace(c.name+" "+c.command.args))
	for _, line := range wrap(c.about, pageWidth-2) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for _, paragraph := range details[c.name] {
		for i, line := range wrap(paragraph, pageWidth-2) {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	c.declare(fs)
	var rows [][2]string
	fs.VisitAll(func(f *flag.Flag) {
		if everyVerb[f.Name] {
			return
		}
		value, text := flag.UnquoteUsage(f)
		if f.Name == "o" && value == "string" {
			if value = strings.Join(alternatives(c.command.args, `-o ([a-z|]+)`), "|"); value == "" {
				value = f.DefValue + "|json"
			}
		}
		if d := f.DefValue; d != "" && d != "false" && d != "-1" && d != "map[]" {
			text += "; " + d + " by default"
		}
		rows = append(rows, [2]string{strings.TrimSpace("-" + strings.Repeat("-", min(1, len(f.Name)-1)) + f.Name + " " + value), text})
	})
	wide := 0
	for _, r := range rows {
		wide = max(wide, utf8.RuneCountInString(r[0]))
	}
	for i, r := range rows {
		if i == 0 {
			b.WriteString("\nFlags\n")
		}
		for k, line := range wrap(r[1], pageWidth-wide-4) {
			if k > 0 {
				r[0] = ""
			}
			fmt.Fprintf(&b, "  %-*s  %s\n", wide, r[0], line)
		}
	}
	b.WriteString("\nand -f FILE, --state DIR, --out DIR, as every verb; `dag help` tells them.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// everyVerb are the flags that all verbs have.
var everyVerb = map[string]bool{"f": true, "state": true, "out": true}

// details is what the line of a verb in `dag help` has no room for, in paragraphs.
var details = map[string][]string{
	"run": {
		"Alone it runs the whole pipeline until Ctrl-C and serves its pages. The first Ctrl-C finishes the work in hand, the second stops now.",
		"With names, those jobs run once, beside a running pipeline or alone. --once runs everything once: streams to the ends that their logs have at the start, then each batch job, then each page.",
	},
	"up":     {"Kafka and Postgres of the dagfile, where they are embedded. Other commands find them by the state folder."},
	"env":    {"DATABASE_URL, KAFKA_BROKERS and PGPASSFILE, for psql and other programs while `dag run` or `dag up` runs."},
	"plan":   {"Nothing is touched. While the pipeline runs it is asked; else, and with --now, nothing has run yet."},
	"graph":  {"ascii is for the terminal, mermaid and dot are for other programs that draw."},
	"schema": {"A key is a path such as jobs.when, or a kind of job with a path in its `with`: load.csv, load.csv.tables."},
	"verify": {"It adds up each batch of the ledger, the tables and the windows. Exit code 3 when something differs; the first batch that does is named."},
	"test":   {"Jobs that use check are run; each result is kept with examples in dag.check_results. Exit code 3 when a check fails."},
	"deadletters": {
		"ls lists them, show prints whole messages, replay tries them again (after the schema or the dimension was put right), drop throws them away for good. replay and drop want to be told which, or --all.",
	},
	"skip":   {"A partition stops when its log was made anew, lost its tail, or was trimmed before it was read. It goes on only by this; what is skipped is recorded, for `dag verify` and `dag status`."},
	"status": {"It asks the running pipeline and the ledger in Postgres; one of the two is enough. Of each problem it shows the first example and what to do."},
	"why":    {"The gate as a tree of true (✓) and false (✗), each with its numbers, and the time at which what is false may become true."},
	"show":   {"A run is named by its id or the end of it, as `dag history` shows it; a job stands for its newest run."},
	"logs":   {"With -f it goes on: to the end of the run that --run names, else through the later runs of the job, too."},
	"pause":  {"A pause is kept in the database until `dag resume`, also over a restart. A run in hand is not touched."},
	"stop":   {"Like Ctrl-C in its terminal: no new runs, batch jobs finish, streams commit what they hold. It waits for the end."},
	"retry":  {"A new run, with --downstream also of the jobs that need it."},
	"backfill": {
		"Each interval is a run as of its end, and finds its bounds as :from_at and :to_at. Its state is kept, so the same command goes on where it was stopped or killed. The job's own schedule and what its gate has counted stay as they are.",
	},
	"report": {
		"new NAME|FILE writes a small report about a table of the project. validate [FILE|JOB ...] shows all mistakes at their places, without a database. watch FILE|JOB renders at each save and serves the page on this machine; mistakes are shown in it.",
		"render FILE|JOB writes the page of some parameters once, exit code 1 when a cell failed. export FILE|JOB CELL writes a chart as x.svg or x.png, or the rows of a cell as x.csv, where text that a spreadsheet would run as a formula gets a quote mark in front.",
		"render, watch and export use the database of a running pipeline, or start it for as long as they need. --pdf needs a Chromium on this machine; CHROMIUM names another program.",
	},
	"init":       {"A dagfile with a topic, its tables, a statement, checks and a page, and recorded events to see it work. --retail writes the shop's pipeline in its place. A file that is there is never written over."},
	"completion": {`For bash and zsh: eval "$(dag completion bash)". For fish: dag completion fish > ~/.config/fish/completions/dag.fish`},
	"bench":      {"stream measures it beside a bare COPY of the same rows, runner what the engine costs a job, analytics what the models compute beside programs that do the same, report the queries and the page of the dashboard over many transactions. It needs no dagfile and starts its own services."},
}
