package anomalies

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tillflow/lib/anomaly"
	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about the search for anomalies.
type With struct {
	// Query gives the windows: SQL, or the path of a file with it. $1 is where the baseline begins, $2 the end of the last
	// complete window. Its columns are (series, window_start, value, orders); windows without sales need no row. Default:
	// the table product_metrics_minute.
	Query string `yaml:"query" doc:"the series that are judged: SQL, or the path of a file with it"`

	Method    string        `yaml:"method" check:"oneof=robust_sqrt" doc:"default robust_sqrt"`
	Size      time.Duration `yaml:"size" doc:"length of a window, default 1m"`
	Window    int           `yaml:"window" doc:"previous windows that make the local baseline, default 60"`
	Threshold float64       `yaml:"threshold" doc:"least score of an anomaly, in standard deviations; default 5"`
	Chance    float64       `yaml:"chance" doc:"greatest chance by which order counts over 1 to 60 windows may be so far off; default 1e-7"`
	Ratio     float64       `yaml:"ratio" doc:"a spike is at least this many times the expected, a drop at most one such part; default 2, half as much again on a series' first day"`
	Days      int           `yaml:"days" doc:"days that make the seasonal baseline, default 7"`
	Lookback  time.Duration `yaml:"lookback" doc:"how far back windows are judged anew in any case; older ones are when the stream says that late rows changed them, or when a setting changed. Default 7d"`
	Stream    string        `yaml:"stream" doc:"the job whose watermark closes windows, default stream.transactions"`
	Scale     *int          `yaml:"scale" doc:"decimals of the currency, default 2"`
	Into      string        `yaml:"into" doc:"default anomalies; another table is made like it"`
}

func (w *With) withDefaults() {
	d := anomaly.Defaults()
	if w.Method == "" {
		w.Method = "robust_sqrt"
	}
	if w.Size == 0 {
		w.Size = time.Minute
	}
	if w.Window == 0 {
		w.Window = d.Window
	}
	if w.Threshold == 0 {
		w.Threshold = d.Threshold
	}
	if w.Chance == 0 {
		w.Chance = d.Chance
	}
	if w.Ratio == 0 {
		w.Ratio = d.Ratio
	}
	if w.Days == 0 {
		w.Days = d.Days
	}
	if w.Lookback == 0 {
		w.Lookback = 7 * day
	}
	if w.Stream == "" {
		w.Stream = "stream.transactions"
	}
	if w.Scale == nil {
		w.Scale = new(2)
	}
	if w.Into == "" {
		w.Into = "anomalies"
	}
}

const day = 24 * time.Hour

// options are what the search itself needs; lengths there are in windows.
func (w With) options() anomaly.Options {
	o := anomaly.Defaults()
	o.Window, o.Threshold, o.Chance, o.Ratio, o.Days = w.Window, w.Threshold, w.Chance, w.Ratio, w.Days
	o.Day = 0
	if day%w.Size == 0 && w.Size <= time.Hour {
		o.Day = int(day / w.Size)
		o.Around = min(o.Around, int(time.Hour/w.Size))
	}
	return o
}

// parameters are the settings as a run keeps them: what decides which windows are anomalies, and how far back it looked.
func (w With) parameters(query string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"method": w.Method, "size": w.Size.String(), "window": w.Window, "threshold": w.Threshold, "chance": w.Chance, "ratio": w.Ratio,
		"days": w.Days, "lookback": w.Lookback.String(), "stream": w.Stream, "scale": *w.Scale, "query": query,
	})
}

// Check places the settings that make no sense.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	c := *w
	c.withDefaults()
	var ps []strictyaml.Problem
	wrong := func(key, hint, format string, args ...any) {
		pos := at(key)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
	if c.Size < time.Second || c.Size%time.Second != 0 {
		wrong("size", "it is the length of a window, such as 1m", "size is %v, it must be whole seconds", c.Size)
		return ps
	}
	if err := c.options().Check(); err != nil {
		key := "window"
		switch {
		case !(c.Threshold > 0):
			key = "threshold"
		case !(c.Chance > 0 && c.Chance < 0.5):
			key = "chance"
		case !(c.Ratio >= 1):
			key = "ratio"
		case c.Days < 1 || c.Days > 32:
			key = "days"
		}
		wrong(key, "", "%v", err)
	}
	if c.Lookback < time.Hour {
		wrong("lookback", "", "lookback is %v, it must be at least 1h", c.Lookback)
	}
	if *c.Scale < 0 || *c.Scale > 6 {
		wrong("scale", "it is the number of decimals of the currency", "scale is %d, it must be 0 to 6", *c.Scale)
	}
	return ps
}

// validate is Check for settings that come from no file.
func (w *With) validate() error {
	var all []error
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		all = append(all, errors.New(p.Msg))
	}
	return errors.Join(all...)
}
