package analyticsbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"tillflow/lib/csvfile"
	"tillflow/lib/dataset"
)

// retail mines the invoices of a real shop.
func (b *bench) retail(ctx context.Context) error {
	if b.Retail == "" {
		return nil
	}
	invoices, products, err := sales(b.Retail)
	if errors.Is(err, fs.ErrNotExist) {
		b.Say("Online Retail is left out: " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	names, of := dataset.Encode(invoices)
	codes, item := dataset.Encode(products)
	supports := []support{
		{0.01, Peer{Name: "rusket", Ms: 54}}, {0.005, Peer{Name: "rusket", Ms: 100}}, {0.002, Peer{Name: "PyFIM", Ms: 230}},
	}
	if b.Small {
		supports = supports[:1]
	}
	return b.itemsets(ctx, "Online Retail", of, item, len(names), len(codes), supports)
}

// sales reads the lines that are sales: a known customer, no cancellation, something for some money.
func sales(path string) (invoices, products []string, err error) {
	file, err := csvfile.Open(path, path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	var at [5]int
	for i, name := range []string{"invoice_no", "stock_code", "quantity", "unit_price", "customer_id"} {
		if at[i], err = file.Column(name); err != nil {
			return nil, nil, err
		}
	}
	positive := func(number string) bool { return number != "" && number[0] != '-' && strings.Trim(number, "0.") != "" }
	for {
		row, err := file.Next()
		if err == io.EOF {
			return invoices, products, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read order lines: %w", err)
		}
		if row[at[4]] != "" && !strings.HasPrefix(row[at[0]], "C") && positive(row[at[2]]) && positive(row[at[3]]) {
			invoices, products = append(invoices, strings.Clone(row[at[0]])), append(products, strings.Clone(row[at[1]]))
		}
	}
}
