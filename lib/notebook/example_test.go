package notebook_test

import (
	"fmt"
	"io"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// A report is parsed once, loaded from a snapshot of the database (here by hand; see Book.Load) and drawn.
func Example() {
	rep, problems := notebook.Parse("shop.md", []byte(`---
title: Shop
currency: SAR
params: { period: 24h }
---
~~~sql totals cache=30s
select sum(amount) as net, count(*) as sales from transactions where ts > :now - :period
~~~
Net revenue is {{ totals.net | sar }}.

~~~kpi net
data: totals
value: net
format: sar
empty: No sales yet.
~~~
`))
	fmt.Println(len(problems), "problems")
	data := &notebook.Data{Report: rep, Built: time.Now(), Results: map[string]notebook.Result{
		"totals": {Frame: &frame.Frame{Columns: []frame.Column{{Name: "net", Kind: frame.Float, Floats: []float64{1234.5}}}}},
	}}
	drawn, err := data.Draw(io.Discard)
	fmt.Println(drawn.Current, "of", drawn.Cells, "cells current,", err)

	_, problems = notebook.Parse("shop.md", []byte("---\ntitle: Shop\n---\n~~~sql totals\nselect 1 as net\n~~~\n~~~kpi net\ndata: total\nvalue: net\n~~~\n"))
	fmt.Println(problems[0])
	// Output:
	// 0 problems
	// 1 of 1 cells current, <nil>
	// shop.md:8:1: no sql cell is called "total" (did you mean "totals"?)
}

// Choices of parameters have pages of their own; the names of their files say which.
func ExamplePageName() {
	rep, _ := notebook.Parse("reports/shop.md", []byte(`---
title: Shop
params:
  period: { default: 24h, label: Period, choices: [1h, 24h, 7d] }
  store: { default: all, label: Store, choices: stores.store_id, names: stores.store_name }
---
~~~sql stores
select store_id, store_name from dim_stores
~~~
~~~sql sold
select count(*) as sales from transactions where ts > :now - :period and (:store = 'all' or store_id = :store)
~~~
{{ sold.sales | int }} sales in {{ :period }}.
`))
	fmt.Println(notebook.PageName(rep, nil))
	fmt.Println(notebook.PageName(rep, notebook.Values{"store": "STORE-RUH-01", "period": "7d"}))
	_, err := rep.Read(map[string]string{"period": "2h"})
	fmt.Println(err)
	// Output:
	// shop.html
	// shop.period-7d.store-STORE-RUH-01.html
	// parameter period has no choice "2h" (did you mean "1h"?)
}
