// Package runner executes a plan. Streams are kept running; batch jobs start when their gate is true and what they
// need is in order; everything that runs is recorded.
//
//	stream: waiting -> starting -> catching-up <-> live <-> lagging, stalled
//	        any -> backing-off -> starting   on a failure, after a delay with jitter
//	        backing-off -> crash-looped      when the budget of restarts is used up: tried again seldom
//	        any -> draining -> stopped       on a stop, after what is downstream
//	batch:  (gate true) -> queued -> running -> succeeded | warned | failed | timed-out | canceled
//
// What to do is decided by pure functions of facts and history (decide.go, rule.go, health.go); the rest carries it out.
// The scheduler sleeps until something happens (a run ends, a stream commits, a person pauses a job) or until the first
// moment at which time alone opens a gate.
//
// What happens on a failure: a stream is restarted for ever, later and later; a batch run is tried again as often as
// the dagfile says, then waits for its gate, and no sooner than a delay that grows with each failure in a row. When
// this process dies, whoever notices first closes its runs and goes on with its batch runs in a new attempt, over the same
// input; an interruption uses up no attempt. What a job with a gate did last counts through a restart, for the jobs that need
// it and for those that wait for its failure; a job without a gate runs at each start, and is waited for.
package runner
