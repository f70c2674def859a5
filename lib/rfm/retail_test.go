package rfm

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillflow/lib/csvfile"
)

// retailLines reads the year of a real shop: the lines with a known customer, no cancellation, something for some money.
// Amounts are in thousandths of a pound.
func retailLines(t *testing.T) Lines {
	t.Helper()
	f, err := csvfile.Open("../../testdata/online_retail/transactions.csv.gz", "transactions.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := map[string]int{}
	for i, name := range f.Header {
		at[name] = i
	}
	var l Lines
	orders := map[string]int64{}
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		invoice, who := row[at["invoice_no"]], row[at["customer_id"]]
		if who == "" || invoice[0] == 'C' {
			continue
		}
		price, err := thousandths(row[at["unit_price"]])
		quantity, err2 := strconv.ParseInt(row[at["quantity"]], 10, 64)
		customer, err3 := strconv.ParseInt(who, 10, 64)
		micros, ok := csvfile.ParseTime(row[at["invoice_ts"]])
		if err := errors.Join(err, err2, err3); err != nil || !ok {
			t.Fatal(row, err)
		}
		if quantity <= 0 || price <= 0 {
			continue
		}
		if _, ok := orders[invoice]; !ok {
			orders[invoice] = int64(len(orders))
		}
		l.Customer, l.Order = append(l.Customer, customer), append(l.Order, orders[invoice])
		l.Time, l.Amount = append(l.Time, micros), append(l.Amount, quantity*price)
	}
}

func thousandths(text string) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 3 {
		return 0, fmt.Errorf("%q has more than three decimals", text)
	}
	return strconv.ParseInt(whole+fraction+"000"[:3-len(fraction)], 10, 64)
}

// From the 397,884 lines themselves come the customers that pandas has, and its scores.
func TestOnlineRetailFromItsLines(t *testing.T) {
	t.Parallel()
	l := retailLines(t)
	if l.Len() != 397_884 || sum(l.Amount) != 8_911_407_904 {
		t.Fatalf("%d lines of %d thousandths", l.Len(), sum(l.Amount))
	}
	asOf := time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC).UnixMicro()
	got, err := Compute(l, asOf, Options{Frequency: Orders, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := onlineRetail(t)
	if !same(want, got.Customers) {
		t.Errorf("the lines give %d customers, other than the %d of the table", got.Len(), want.Len())
	}
	if scores := Score(want.RecencyDays(asOf), want.Frequency, want.Monetary, First); !reflect.DeepEqual(scores, got.Scores) {
		t.Error("the scores differ")
	}
	if got.Differ < 100 || got.Differ > got.Len() {
		t.Errorf("%d of %d customers owe a score to their id", got.Differ, got.Len())
	}
	t.Logf("%d of %d customers would score otherwise with ties by value", got.Differ, got.Len())
}
