package stream

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
)

// scout looks at the topic now and then: new partitions, log ends of partitions others work on, and whether it is still the
// same topic. It also tells Kafka how far the stream is, for the tools that show lag.
type scout struct {
	stream *stream

	mu     sync.Mutex
	topic  kafkasrc.Topic
	ranges map[int]kafkasrc.Range
	wrong  error // the log is not the one that was read so far
}

// scoutEvery is how often the topic is looked at; slowly, as nothing waits for it.
const scoutEvery = 2 * time.Second

func newScout(s *stream, t kafkasrc.Topic, ranges map[int]kafkasrc.Range) *scout {
	return &scout{stream: s, topic: t, ranges: ranges}
}

// run looks again and again until ctx ends.
func (c *scout) run(ctx context.Context) {
	tick := time.NewTicker(scoutEvery)
	defer tick.Stop()
	told := map[int]int64{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.look(ctx)
		if news := c.news(told); c.tell(ctx, news) {
			maps.Copy(told, news)
		}
	}
}

func (c *scout) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*scoutEvery)
	defer cancel()
	// A broker that is away is nothing new: the readers tell about it.
	t, err := c.stream.kafka.Topic(ctx, c.stream.with.Topic)
	if err != nil {
		return
	}
	ranges, err := c.stream.kafka.Offsets(ctx, c.stream.with.Topic)
	if err != nil {
		return
	}
	c.mu.Lock()
	more := len(t.Partitions) > len(c.topic.Partitions)
	c.ranges = ranges
	err = sameLog(c.stream.with.Topic, c.stream.logID, logID{t.ClusterID, t.ID})
	if err != nil {
		c.wrong = err
	}
	c.mu.Unlock()
	if !more || err != nil {
		return
	}
	if err := ledger.Ensure(ctx, c.stream.db, c.stream.name, c.stream.with.Topic, c.starts()); err != nil {
		c.stream.log.Warn("new partitions wait", "err", err)
		return
	}
	c.mu.Lock()
	c.stream.troubles.happened(grown, fmt.Sprintf("the topic has %d partitions, it had %d", len(t.Partitions), len(c.topic.Partitions)))
	c.topic = t
	c.mu.Unlock()
	c.stream.log.Info("topic has grown", "partitions", len(t.Partitions))
}

// news are the offsets of the partitions this process owns, as far as they have moved since they were told.
func (c *scout) news(told map[int]int64) map[int]int64 {
	news := map[int]int64{}
	for p, next := range c.stream.total.offsets() {
		if told[p] != next {
			news[p] = next
		}
	}
	return news
}

// tell commits offsets to Kafka in the name of the job. Nothing resumes from them, so an error is nobody's concern.
func (c *scout) tell(ctx context.Context, next map[int]int64) bool {
	if len(next) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.stream.kafka.CommitOffsets(ctx, c.stream.name, c.stream.with.Topic, next) == nil
}

// partitions are the topic's, ascending.
func (c *scout) partitions() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topic.Partitions
}

// end is the log's end as last seen.
func (c *scout) end(partition int) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ranges[partition].End
}

// starts are the first offsets of all partitions.
func (c *scout) starts() map[int]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[int]int64{}
	for p, r := range c.ranges {
		out[p] = r.Start
	}
	return out
}

// trouble is set when the topic is not the one the stream began with.
func (c *scout) trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong
}

// sameLog compares the log that was read so far with the one that is there. Unknown ids are equal to any.
func sameLog(topic string, was, is logID) error {
	if differ(was.cluster, is.cluster) {
		return &otherLogError{cluster: true, text: fmt.Sprintf("topic %s is on another cluster (id %s) than the one that was read so far (%s)", topic, is.cluster, was.cluster)}
	}
	if differ(was.topic, is.topic) {
		return &otherLogError{text: fmt.Sprintf("topic %s was deleted and made again: its id is %s, the one that was read so far had %s", topic, is.topic, was.topic)}
	}
	return nil
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// otherLogError says that offsets of the ledger mean nothing in the log that is there.
type otherLogError struct {
	cluster bool // the whole cluster is another one
	text    string
}

func (e *otherLogError) Error() string {
	return e.text + "; offsets of one mean nothing in the other. `dag skip STREAM --new-log` has the new log read from its start"
}
