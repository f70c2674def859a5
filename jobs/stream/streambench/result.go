package streambench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Result is what was measured. Rates are over all rounds.
type Result struct {
	Rows       int    `json:"rows"` // in each round
	Partitions int    `json:"partitions"`
	Order      string `json:"order"` // of the ids: sequential or random
	Dimensions int    `json:"dimensions"`
	Keys       int    `json:"keys"`       // in each dimension
	PerSecond  int    `json:"per_second"` // sales in a second of event time
	Rounds     int    `json:"rounds"`

	RowsPerS       float64 `json:"rows_per_s"`
	CopyRowsPerS   float64 `json:"copy_rows_per_s"`
	Ratio          float64 `json:"ratio"` // of the two
	InsertRowsPerS float64 `json:"insert_rows_per_s"`

	// CPU seconds for a million rows, of this process, of Postgres and of the broker; 0 where the system does not tell.
	CPUPerMillion             float64 `json:"cpu_s_per_million"`
	PostgresCPUPerMillion     float64 `json:"postgres_cpu_s_per_million"`
	BrokerCPUPerMillion       float64 `json:"broker_cpu_s_per_million"`
	CopyCPUPerMillion         float64 `json:"copy_cpu_s_per_million"`
	CopyPostgresCPUPerMillion float64 `json:"copy_postgres_cpu_s_per_million"`

	RSSMB float64 `json:"rss_mb"` // greatest memory of this process while the stream ran

	Latency           Quantiles `json:"latency_ms"` // at 100 events a second
	FullSpeedLatency  Quantiles `json:"full_speed_latency_ms"`
	FullSpeedRowsPerS float64   `json:"full_speed_rows_per_s"` // while that was measured, producer on the same machine
	FullSpeedInFlight int       `json:"full_speed_in_flight"`  // messages the producer kept on their way in each partition
}

// Quantiles of a latency in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// WriteText prints the result for people.
func (r Result) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d rows, %d partitions, %s ids, %d dimensions of %d keys, %d sales in a second of event time, %d rounds in turns\n\n",
		r.Rows, r.Partitions, r.Order, r.Dimensions, r.Keys, r.PerSecond, r.Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\trows/s\tof COPY\tCPU s/M rows: dag\tPostgres\tbroker\t")
	fmt.Fprintf(t, "bare COPY\t%.0f\t1.00\t%.2f\t%.2f\t\t\n", r.CopyRowsPerS, r.CopyCPUPerMillion, r.CopyPostgresCPUPerMillion)
	fmt.Fprintf(t, "stream\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", r.RowsPerS, r.Ratio, r.CPUPerMillion, r.PostgresCPUPerMillion, r.BrokerCPUPerMillion)
	fmt.Fprintf(t, "row by row\t%.0f\t%.2f\t\t\t\t\n", r.InsertRowsPerS, r.InsertRowsPerS/r.CopyRowsPerS)
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nproduced to visible at 100 events/s: p50 %.1f ms, p99 %.1f ms\n"+
		"at full speed (%.0f events/s, %d of each partition on their way): p50 %.0f ms, p99 %.0f ms\nmemory of the stream: %.0f MB\n",
		r.Latency.P50, r.Latency.P99, r.FullSpeedRowsPerS, r.FullSpeedInFlight, r.FullSpeedLatency.P50, r.FullSpeedLatency.P99, r.RSSMB)
	return err
}
