package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// tell logs what is wrong on the pages once per change, and makes it an error of a job that runs once. A cell that fails
// alike on many pages is told once.
func (j *Job) tell(once bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	wrong := map[string]bool{}
	if w := j.reader.Warning(); w != "" && !j.warned {
		j.deps.Log.Warn("report", "job", j.name, "problem", w)
		j.warned = true
	}
	for _, p := range j.pages {
		for _, e := range p.failed {
			wrong[e.Error()] = true
			if e.Denied {
				j.reader.Again() // a table that somebody has made since
			}
		}
	}
	messages := slices.Sorted(maps.Keys(wrong))
	if once {
		var errs []error
		for _, m := range messages {
			errs = append(errs, errors.New(m))
		}
		return errors.Join(errs...)
	}
	for _, m := range messages {
		if !j.wrong[m] {
			j.deps.Log.Error("report cell failed", "job", j.name, "error", m)
		}
	}
	if len(wrong) == 0 && len(j.wrong) > 0 {
		j.deps.Log.Info("report cells work again", "job", j.name)
	}
	j.wrong = wrong
	return nil
}

// WriteMetrics writes how current the pages of reports are, in the text format of Prometheus.
func WriteMetrics(w io.Writer, reports []*Job) error {
	if len(reports) == 0 {
		return nil
	}
	var b strings.Builder
	family := func(name, help string, value func(p page) float64) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		for _, j := range reports {
			sum, pages := 0.0, j.snapshot()
			for _, p := range pages {
				sum += value(p)
			}
			fmt.Fprintf(&b, "%s{job=%s} %s\n", name, strconv.Quote(j.name), strconv.FormatFloat(sum, 'f', -1, 64))
		}
	}
	family("tillflow_report_pages", "Pages of a report that are kept up.", func(page) float64 { return 1 })
	family("tillflow_report_cells", "Cells on the pages of a report.", func(p page) float64 { return float64(p.cells) })
	family("tillflow_report_cells_current", "Cells whose figures are current.", func(p page) float64 { return float64(p.current) })
	family("tillflow_report_cells_failed", "Cells that fail, those that only wait for another not counted.", func(p page) float64 { return float64(len(p.failed)) })
	_, err := io.WriteString(w, b.String())
	return err
}

func (j *Job) snapshot() []page {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []page
	for _, p := range j.pages {
		all = append(all, *p)
	}
	return all
}
