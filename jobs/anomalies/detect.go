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

// minutes is the length in whole minutes, rounded up.
func (f found) minutes() int32 { return int32(math.Ceil(f.end().Sub(f.start).Minutes())) }

// judged is what a series was judged by.
type judged struct {
	anomaly.Summary
	first, last time.Time // windows with a row
}

// detect judges each series. It returns the anomalies that last beyond the cut, by series and time, and how far each
// series could be judged, in the order of w.names.
func (j *Job) detect(w windows) ([]found, []judged, error) {
	rows := make([][]int32, len(w.names))
	for i, of := range w.of {
		rows[of] = append(rows[of], int32(i))
	}
	events, states := make([][]found, len(w.names)), make([]judged, len(w.names))
	options := j.with.options()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for s := range w.names {
		group.Go(func() (err error) {
			if events[s], states[s], err = j.judge(w, w.names[s], rows[s], options); err != nil {
				return fmt.Errorf("series %s: %w", w.names[s], err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var all []found
	for s := range events {
		all = append(all, events[s]...)
	}
	return all, states, nil
}

// judge lays the rows of one series out on its calendar and searches it.
func (j *Job) judge(w windows, name string, rows []int32, o anomaly.Options) ([]found, judged, error) {
	size := j.with.Size.Microseconds()
	start, value, orders := make([]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for k, i := range rows {
		start[k], value[k], orders[k] = w.start[i], w.value[i], w.orders[i]
		first, last = min(first, w.start[i]), max(last, w.start[i])
	}
	state := judged{first: time.UnixMicro(first).UTC(), last: time.UnixMicro(last).UTC()}
	// The search takes windows in blocks; runs that begin to read on different days must cut the same ones.
	first -= first / size % anomaly.Block * size
	series, err := anomaly.Fill(start, value, orders, first, max(first, w.end), size)
	if err != nil {
		return nil, judged{}, err
	}
	from := 0
	if w.cut > first {
		from = int((w.cut - first + size - 1) / size)
	}
	var events []anomaly.Event
	events, state.Summary = anomaly.DetectFrom(series, o, from)
	all := make([]found, len(events))
	for i, e := range events {
		all[i] = found{name, e, time.UnixMicro(first + int64(e.First)*size).UTC(), j.with.Size}
	}
	return all, state, nil
}

// note says in a few words what was found, and how many series were too sparse to show a drop.
func note(all []found, states []judged) string {
	spikes, sparse, windows := 0, 0, 0
	for _, f := range all {
		if f.Kind == anomaly.Spike {
			spikes++
		}
	}
	for _, s := range states {
		windows += s.Windows
		if s.State() == anomaly.TooSparse {
			sparse++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d series, %d windows, %d spikes, %d drops", len(states), windows, spikes, len(all)-spikes)
	if sparse > 0 {
		fmt.Fprintf(&b, ", %d too sparse for drops", sparse)
	}
	return b.String()
}
