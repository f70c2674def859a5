package reportbench

import (
	"context"
	_ "embed"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"tillflow/lib/rfm"
)

// modelsSQL makes what the models would have found, plausible in number and shape, out of what is in the tables.
//
//go:embed models.sql
var modelsSQL string

func (f *filling) catalogue(ctx context.Context) error {
	if err := eachSeed("product_catalog.csv", []string{"product_id", "product_name", "category", "base_price"}, func(v []string) error {
		_, err := f.conn.Exec(ctx, "insert into dim_products values ($1, $2, $3, $4::text::numeric)", v[0], v[1], v[2], v[3])
		return err
	}); err != nil {
		return err
	}
	return eachSeed("store_locations.csv", []string{"store_id", "store_name", "city", "region", "size_sqft"}, func(v []string) error {
		_, err := f.conn.Exec(ctx, "insert into dim_stores values ($1, $2, $3, $4, $5::text::integer)", v[0], v[1], v[2], v[3], v[4])
		return err
	})
}

// models scores the customers, and lets Postgres make the rest.
func (f *filling) models(ctx context.Context) error {
	s, until := f.sales, f.data.Until.UTC().UnixMicro()
	var c rfm.Customers
	for n, last := range s.last {
		if last > 0 {
			c.ID, c.Last = append(c.ID, int64(n)), append(c.Last, last)
			c.Frequency, c.Monetary = append(c.Frequency, s.visits[n]), append(c.Monetary, s.spent[n])
		}
	}
	scored, err := rfm.Rank(c, until, rfm.Options{})
	if err != nil {
		return err
	}
	if err := f.copy(ctx, "customer_segments", segmentRecord(scored, until)); err != nil {
		return err
	}
	for statement := range strings.SplitSeq(modelsSQL, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := f.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func segmentRecord(s rfm.Result, until int64) arrow.Record {
	t := newTable(column("customer_id", text), column("recency_days", arrow.PrimitiveTypes.Int32), column("frequency", number), column("monetary", total),
		column("r_score", small), column("f_score", small), column("m_score", small), column("rfm_segment", text),
		column("cluster_id", arrow.PrimitiveTypes.Int32), column("run_id", text), column("as_of", micros))
	for i, id := range s.ID {
		t.text(0).Append(customerID(int32(id)))
		t.Field(1).(*array.Int32Builder).Append(int32(s.Recency[i]))
		t.number(2).Append(s.Frequency[i])
		t.cents(3, s.Monetary[i])
		t.small(4).Append(int16(s.R[i]))
		t.small(5).Append(int16(s.F[i]))
		t.small(6).Append(int16(s.M[i]))
		t.text(7).Append(rfm.Default.Segment(s.R[i], s.F[i]))
		t.Field(8).(*array.Int32Builder).Append(int32(s.M[i]-1) % 4)
		t.text(9).Append("bench")
		t.time(10, until)
	}
	return t.record()
}
