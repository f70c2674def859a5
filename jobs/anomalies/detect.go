package anomalies

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tillflow/lib/anomaly"
)

// found is an anomaly of a series at a time.
type found struct {
	series string
	anomaly.Event
	start time.Time
	size  time.Duration
}

func (f found) end() time.Time { return f.start.Add(time.Duration(f.Windows) * f.size) }

// detect judges each series and returns the anomalies that start from the cut on, by series and time.
func (j *Job) detect(w windows) ([]found, anomaly.Summary, error) {
	size := j.with.Size.Microseconds()
	options := j.with.options()
	events := make([][]found, len(w.names))
	summaries := make([]anomaly.Summary, len(w.names))
	rows := make([][]int, len(w.names))
	for i, of := range w.of {
		rows[of] = append(rows[of], i)
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for s := range w.names {
		group.Go(func() error {
			var start, value, orders []int64
			first := int64(math.MaxInt64)
			for _, i := range rows[s] {
				start, value, orders = append(start, w.start[i]), append(value, w.value[i]), append(orders, w.orders[i])
				first = min(first, w.start[i])
			}
			series, err := anomaly.Fill(start, value, orders, first, max(first, w.end), size)
			if err != nil {
				return fmt.Errorf("series %s: %w", w.names[s], err)
			}
			found1, summary := anomaly.Detect(series, options)
			summaries[s] = summary
			for _, e := range found1 {
				if at := first + int64(e.First)*size; at >= w.cut {
					events[s] = append(events[s], found{w.names[s], e, time.UnixMicro(at).UTC(), j.with.Size})
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, anomaly.Summary{}, err
	}
	var all []found
	var total anomaly.Summary
	for s := range events {
		all = append(all, events[s]...)
		total.Windows += summaries[s].Windows
		total.Unscored += summaries[s].Unscored
		total.Sparse += summaries[s].Sparse
	}
	return all, total, nil
}

// note says in a few words what was found, and how much was too sparse to show a drop.
func note(series int, all []found, judged anomaly.Summary) string {
	spikes, drops := 0, 0
	for _, f := range all {
		if f.Kind == anomaly.Spike {
			spikes++
		} else {
			drops++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d series, %d windows, %d spikes, %d drops", series, judged.Windows, spikes, drops)
	if scored := judged.Windows - judged.Unscored; scored > 0 && judged.Sparse > 0 {
		fmt.Fprintf(&b, ", %d %% too sparse for drops", int(math.Round(100*float64(judged.Sparse)/float64(scored))))
	}
	return b.String()
}
