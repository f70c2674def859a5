package report

import "time"

// SetBudget says how long a run makes pages that nobody asked for, in place of half a refresh interval.
func (j *Job) SetBudget(d time.Duration) { j.budget = &d }
