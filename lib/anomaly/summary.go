package anomaly

// Summary says how much of a series could be judged, in the last Options.Days days: that is how it stands now. Without a
// daily shape it is of all windows.
type Summary struct {
	Windows  int   // in the whole series
	Judged   int   // of the last days' windows: with enough before them to be judged by
	Unscored int   // of the last days' windows: at the beginning of the series, where there is no baseline yet
	Sparse   int   // of the judged: even a whole Spans[last] without a sale would not be a drop
	Orders   int64 // in the last days' windows
}

// State is what a report can say about a series in one word.
type State string

const (
	TooNew    State = "new"        // fewer than 30 windows: there is nothing to judge by
	Silent    State = "silent"     // no order in the last days: the series has ended, or has not begun
	TooSparse State = "too sparse" // in most windows too few orders are due for a lack of them to mean anything: spikes are seen, drops are not
	Judged    State = "judged"     // spikes and drops are seen
)

// State tells how far the series could be judged. TooSparse is the honest one: at night, or for a product that sells three
// times an hour, an hour without a sale happens every day, and no rule can tell it from an outage.
func (s Summary) State() State {
	switch {
	case s.Judged == 0:
		return TooNew
	case s.Orders == 0:
		return Silent
	case 2*s.Sparse > s.Judged:
		return TooSparse
	}
	return Judged
}
