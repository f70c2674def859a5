package kmeans

import (
	"bufio"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// table reads the numbers of a CSV file without its first line.
func table(t testing.TB, r io.Reader) [][]string {
	t.Helper()
	var rows [][]string
	scan := bufio.NewScanner(r)
	scan.Scan()
	for scan.Scan() {
		rows = append(rows, strings.Split(scan.Text(), ","))
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func iris(t testing.TB) Points {
	t.Helper()
	f, err := os.Open("testdata/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := Points{D: 4}
	for _, row := range table(t, f) {
		for _, cell := range row[:4] {
			p.X = append(p.X, number(t, cell))
		}
	}
	return p
}

// onlineRetail is recency, frequency and monetary value of 4,338 customers, log1p and standardised; also the means and
// deviations that did the latter.
func onlineRetail(t testing.TB) (p Points, means, deviations [3]float64) {
	t.Helper()
	f, err := os.Open("../rfm/testdata/online_retail_customers.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]float64, 3)
	snapshot := time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC)
	for _, row := range table(t, z) {
		last, err := time.Parse("2006-01-02T15:04Z", row[1])
		if err != nil {
			t.Fatal(err)
		}
		columns[0] = append(columns[0], float64(int(snapshot.Sub(last).Hours()/24)))
		columns[1] = append(columns[1], number(t, row[2]))
		columns[2] = append(columns[2], number(t, row[3])/1000)
	}
	for j, column := range columns {
		Log1p(column)
		means[j], deviations[j] = Standardize(column)
	}
	return FromColumns(columns...), means, deviations
}

// blobs are n points in d dimensions around some centers.
func blobs(rng *rand.Rand, n, d, centers int) Points {
	p := Points{D: d}
	at := make([]float64, centers*d)
	for i := range at {
		at[i] = 10 * rng.NormFloat64()
	}
	for range n {
		c := rng.IntN(centers)
		for j := range d {
			p.X = append(p.X, at[c*d+j]+rng.NormFloat64())
		}
	}
	return p
}
