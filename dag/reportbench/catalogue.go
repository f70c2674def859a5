package reportbench

import (
	"errors"
	"fmt"
	"io"
	"math/big"

	"tillflow"
	"tillflow/lib/csvfile"
)

// catalogue is what the shop sells and where, as its seeds say.
type catalogue struct {
	products []product
	stores   []string
}

type product struct {
	id    string
	cents int64
}

// readCatalogue reads the seeds that the program carries.
func readCatalogue() (c catalogue, err error) {
	err = eachSeed("product_catalog.csv", []string{"product_id", "base_price"}, func(v []string) error {
		price, ok := new(big.Rat).SetString(v[1])
		if !ok {
			return fmt.Errorf("base_price %q is no number", v[1])
		}
		cents := new(big.Rat).Mul(price, big.NewRat(100, 1))
		c.products = append(c.products, product{v[0], cents.Num().Int64() / cents.Denom().Int64()})
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, eachSeed("store_locations.csv", []string{"store_id"}, func(v []string) error {
		c.stores = append(c.stores, v[0])
		return nil
	})
}

// eachSeed calls each with the values of some columns of every row of a file.
func eachSeed(name string, columns []string, each func(values []string) error) error {
	f, err := tillflow.Files.Open("seeds/" + name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	rows, err := csvfile.New(f, name)
	if err != nil {
		return err
	}
	at := make([]int, len(columns))
	for i, column := range columns {
		if at[i], err = rows.Column(column); err != nil {
			return err
		}
	}
	values := make([]string, len(columns))
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range at {
			values[i] = row[at[i]]
		}
		if err := each(append([]string(nil), values...)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}
