package segments

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillflow/lib/rfm"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a segmentation.
type With struct {
	// Query gives the purchases: SQL, or the path of a file with it. $1 is as_of. Its columns are either
	// (customer_id, last_ts, frequency, monetary), one row a customer, or (customer_id, ts, amount) with order_id when
	// frequency is orders, one row a line; a negative amount is money given back. customer_id and order_id are text or whole
	// numbers; numbers are ordered as such. Default: the table transactions.
	Query string `yaml:"query" doc:"the purchases: SQL, or the path of a file with it"`

	// From names a rollup that a stream keeps, with one column as its key and the totals last_ts, frequency and monetary; Refunds,
	// with net, one with the total refunded. They stand in place of the query, and what came since they were last raised is
	// read from their raw tables, so that the run finds what it would have found in all rows.
	From    string `yaml:"from" doc:"a rollup of a stream in place of a query: its key is the customer, its totals are last_ts, frequency and monetary"`
	Refunds string `yaml:"refunds" doc:"with from and net: a rollup of the refunds; its key is the customer, its total refunded"`

	AsOf      string   `yaml:"as_of" doc:"a time after which nothing counts, such as 2011-12-10, or newest: the midnight (UTC) after the newest purchase; default: when the run begins"`
	Ties      string   `yaml:"ties" check:"oneof=first|value" doc:"first (default): bins of equal size, as pandas; value: equal customers score the same"`
	Frequency string   `yaml:"frequency" check:"oneof=rows|orders" doc:"what one purchase is: a row (default) or all rows of an order_id"`
	Net       bool     `yaml:"net" doc:"refunds lower what a customer spent: those of table refunds, or the negative amounts of a query of one's own"`
	Segments  Segments `yaml:"segments" doc:"segment: its cells, such as r5 f4-5; or rows r5 to r1 of five names each, for f1 to f5; default: the seven segments"`
	K         int      `yaml:"k" doc:"clusters, default 4"`
	Starts    int      `yaml:"starts" doc:"K-Means starts of which the best is kept, default 10"`
	Seed      uint64   `yaml:"seed" doc:"of K-Means, default 0"`
	Sweep     string   `yaml:"sweep" check:"oneof=day|run|none" doc:"which runs try 2 to 10 clusters for cluster_sweep: day (default): the first of each day; run: all; none"`
	Scale     *int     `yaml:"scale" doc:"decimals of the currency, default 2"`
	Into      string   `yaml:"into" doc:"default customer_segments; another table is made like it"`
	History   string   `yaml:"history" check:"oneof=day|run|none" doc:"which runs leave a snapshot: day (default): the first of each day, and runs as of a whole second, as with --as-of; run: all; none"`

	Keep *time.Duration `yaml:"keep" doc:"snapshots older than this, such as 400d, are removed; default: none are"`
}

var tableName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)?$`)

// Values of history and sweep.
const (
	HistoryDay  = "day"
	HistoryRun  = "run"
	HistoryNone = "none"
)

// ReadsRollups names the rollups the job reads, by setting.
func (w With) ReadsRollups() map[string]string {
	return map[string]string{"from": w.From, "refunds": w.Refunds}
}

func (w *With) withDefaults() {
	if w.Ties == "" {
		w.Ties = string(rfm.First)
	}
	if w.Frequency == "" {
		w.Frequency = string(rfm.Rows)
	}
	if w.K == 0 {
		w.K = 4
	}
	if w.Starts == 0 {
		w.Starts = 10
	}
	if w.Scale == nil {
		w.Scale = new(2)
	}
	if w.Into == "" {
		w.Into = "customer_segments"
	}
	if w.History == "" {
		w.History = HistoryDay
	}
	if w.Sweep == "" {
		w.Sweep = HistoryDay
	}
}

// choices are the words that some settings take. A dagfile is held to them by its decoder.
var choices = map[string][]string{
	"ties":      {string(rfm.First), string(rfm.Value)},
	"frequency": {string(rfm.Rows), string(rfm.Orders)},
	"history":   {HistoryDay, HistoryRun, HistoryNone},
	"sweep":     {HistoryDay, HistoryRun, HistoryNone},
}

// Check places the settings that make no sense.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	c := *w
	c.withDefaults()
	var ps []strictyaml.Problem
	wrong := func(key, hint, format string, args ...any) {
		pos := at(key)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
	if c.K < 1 || c.K > 1000 {
		wrong("k", "", "k is %d, it must be 1 to 1000", c.K)
	}
	if c.Starts < 1 {
		wrong("starts", "", "starts is %d, it must be at least 1", c.Starts)
	}
	if *c.Scale < 0 || *c.Scale > 6 {
		wrong("scale", "it is the number of decimals of the currency", "scale is %d, it must be 0 to 6", *c.Scale)
	}
	if _, err := parseAsOf(c.AsOf); err != nil {
		wrong("as_of", "write a time such as 2011-12-10 or 2011-12-10T06:00:00Z, or newest", "%v", err)
	}
	switch {
	case c.From != "" && c.Query != "":
		wrong("from", "leave one of them out", "from names a rollup and query gives the purchases too")
	case c.From != "" && c.Frequency == string(rfm.Orders):
		wrong("frequency", "leave from out: orders are counted from their rows", "a rollup counts rows, not orders")
	case c.From != "" && c.Net != (c.Refunds != ""):
		wrong("net", "with from, net: true and refunds: a rollup of the refunds go together", "net and refunds do not fit")
	case c.From == "" && c.Refunds != "":
		wrong("refunds", "without from, the table or the query of refunds is read", "refunds names a rollup, and from does not")
	}
	for _, key := range []struct{ name, table string }{{"from", c.From}, {"refunds", c.Refunds}} {
		if key.table != "" && !tableName.MatchString(key.table) {
			wrong(key.name, "the name of a sink with rollup:", "%q is no table", key.table)
		}
	}
	if c.Keep != nil && *c.Keep < day {
		wrong("keep", "such as 400d", "keep is %v, it must be at least a day", *c.Keep)
	}
	for _, v := range []struct{ key, word string }{{"ties", c.Ties}, {"frequency", c.Frequency}, {"history", c.History}, {"sweep", c.Sweep}} {
		if !slices.Contains(choices[v.key], v.word) {
			wrong(v.key, "", "%s is %q, it must be one of %s", v.key, v.word, strings.Join(choices[v.key], ", "))
		}
	}
	return ps
}

// validate is Check for settings that come from no file.
func (w *With) validate() error {
	var all []error
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		all = append(all, errors.New(p.Msg))
	}
	return errors.Join(all...)
}
