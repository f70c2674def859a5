package basket

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"tillflow/lib/strictyaml"
)

// What a basket is.
const (
	byCustomer = "customer"
	byVisit    = "visit"
)

// What becomes of redundant rules.
const (
	keep = "keep"
	drop = "drop"
)

// With is what the dagfile says about a basket analysis.
type With struct {
	// Query gives the baskets: SQL, or the path of a file with it. $1 is as_of. Its columns are either (basket, item), or
	// (customer_id, ts, item), which are cut into visits. Default: the table transactions.
	Query string `yaml:"query" doc:"what was bought: SQL, or the path of a file with it"`

	// From names a rollup that a stream keeps, whose key is two columns: the basket and the item. It stands in place of the query,
	// and what came since it was last raised is read from its raw table, so that the run finds what it would have found in
	// all rows.
	From string `yaml:"from" doc:"a rollup of a stream in place of a query: its key is the basket and the item"`

	Basket        string        `yaml:"basket" check:"oneof=customer|visit" doc:"all a customer ever bought (default), or what was bought in one visit"`
	Gap           time.Duration `yaml:"gap" doc:"a visit ends when the customer buys nothing for so long; default 30m"`
	MinSupport    *float64      `yaml:"min_support" doc:"share of baskets an itemset must be in, default 0.01"`
	MinConfidence *float64      `yaml:"min_confidence" doc:"share of the antecedent's baskets, default 0.1"`
	MaxLen        int           `yaml:"max_len" doc:"items in a rule, both sides together; default 4"`
	MaxConsequent int           `yaml:"max_consequent" doc:"items on the right side, default 1"`
	MinCount      int           `yaml:"min_count" doc:"baskets that hold both sides of a rule, at least; default 1"`
	MaxFDR        float64       `yaml:"max_fdr" doc:"keep rules up to this false-discovery rate, such as 0.05; default: all"`
	Redundant     string        `yaml:"redundant" check:"oneof=keep|drop" doc:"rules whose antecedent could be shorter without less confidence; default keep"`
	MaxItemsets   int           `yaml:"max_itemsets" doc:"at most so many itemsets; longer ones are given up first. Default 1,000,000"`
	MaxRules      int           `yaml:"max_rules" doc:"a run that finds more rules fails and says what to raise. Default 1,000,000"`
	Budget        time.Duration `yaml:"budget" doc:"time for itemsets of three and more; past it they are given up. Default: no limit"`
	Into          string        `yaml:"into" doc:"default product_associations; another table is made like it"`
}

var tableName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)?$`)

// ReadsRollups names the rollup the job reads, by setting.
func (w With) ReadsRollups() map[string]string { return map[string]string{"from": w.From} }

func (w *With) withDefaults() {
	if w.Basket == "" {
		w.Basket = byCustomer
	}
	if w.Gap == 0 {
		w.Gap = 30 * time.Minute
	}
	if w.MinSupport == nil {
		w.MinSupport = new(0.01)
	}
	if w.MinConfidence == nil {
		w.MinConfidence = new(0.1)
	}
	if w.MaxLen == 0 {
		w.MaxLen = 4
	}
	if w.MaxConsequent == 0 {
		w.MaxConsequent = 1
	}
	if w.Redundant == "" {
		w.Redundant = keep
	}
	if w.MaxItemsets == 0 {
		w.MaxItemsets = 1_000_000
	}
	if w.MaxRules == 0 {
		w.MaxRules = 1_000_000
	}
	if w.Into == "" {
		w.Into = "product_associations"
	}
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
	switch {
	case c.From != "" && c.Query != "":
		wrong("from", "leave one of them out", "from names a rollup and query gives the baskets too")
	case c.From != "" && c.Basket == byVisit:
		wrong("basket", "leave from out: visits are cut from the purchases", "a rollup knows no visits")
	case c.From != "" && !tableName.MatchString(c.From):
		wrong("from", "the name of a sink with rollup:", "%q is no table", c.From)
	}
	if !(*c.MinSupport > 0 && *c.MinSupport <= 1) {
		wrong("min_support", "it is a share of all baskets, such as 0.01", "min_support is %v, it must be above 0 and at most 1", *c.MinSupport)
	}
	if !(*c.MinConfidence >= 0 && *c.MinConfidence <= 1) {
		wrong("min_confidence", "", "min_confidence is %v, it must be from 0 to 1", *c.MinConfidence)
	}
	if c.MaxLen < 2 || c.MaxLen > 30 {
		wrong("max_len", "", "max_len is %d, it must be 2 to 30", c.MaxLen)
	}
	if c.MaxConsequent < 1 {
		wrong("max_consequent", "", "max_consequent is %d, it must be at least 1", c.MaxConsequent)
	}
	if c.MaxItemsets < 1 {
		wrong("max_itemsets", "", "max_itemsets is %d, it must be at least 1", c.MaxItemsets)
	}
	if c.MaxRules < 1 {
		wrong("max_rules", "", "max_rules is %d, it must be at least 1", c.MaxRules)
	}
	if c.MinCount < 0 {
		wrong("min_count", "", "min_count is %d, it must not be negative", c.MinCount)
	}
	if !(c.MaxFDR >= 0 && c.MaxFDR <= 1) {
		wrong("max_fdr", "one rule in twenty by luck is 0.05", "max_fdr is %v, it must be from 0 to 1", c.MaxFDR)
	}
	if c.Budget < 0 {
		wrong("budget", "", "budget is %v, it must not be negative", c.Budget)
	}
	if c.Gap < 0 {
		wrong("gap", "", "gap is %v, it must be above 0", c.Gap)
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
