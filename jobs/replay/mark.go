package replay

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/kafkasrc"
)

// header is the name of the header that every message carries. It is how a replay knows its own messages in the log, and
// so where to go on: there is no other state.
const header = "tillflow-replay"

// mark is what the header says: "ROW SHIFT PARTITIONS ID".
type mark struct {
	row        int64 // of the file, from 1
	shift      int64 // microseconds
	partitions int   // that the replay began with; it keeps to them when the topic gets more
	id         string
}

func (m mark) append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, m.row, 10)
	dst = strconv.AppendInt(append(dst, ' '), m.shift, 10)
	dst = strconv.AppendInt(append(dst, ' '), int64(m.partitions), 10)
	return append(append(dst, ' '), m.id...)
}

// readMark reads the mark of a message; ok is false when it has none of this id.
func readMark(m *kafkasrc.Message, id string) (out mark, ok bool) {
	for _, h := range m.Headers() {
		if h.Key != header {
			continue
		}
		parts := strings.SplitN(string(h.Value), " ", 4)
		if len(parts) != 4 || parts[3] != id {
			continue
		}
		var err1, err2, err3 error
		out.row, err1 = strconv.ParseInt(parts[0], 10, 64)
		out.shift, err2 = strconv.ParseInt(parts[1], 10, 64)
		out.partitions, err3 = strconv.Atoi(parts[2])
		out.id = id
		if err1 == nil && err2 == nil && err3 == nil && out.partitions > 0 {
			return out, true
		}
	}
	return mark{}, false
}

// newest looks for the newest message of this replay in a partition, in ever longer ends of the log until there is one:
// others may write to the topic, too.
func newest(ctx context.Context, client *kafkasrc.Client, topic string, partition int, log kafkasrc.Range, id string) (found mark, ok bool, err error) {
	fetcher := client.NewFetcher(topic, partition)
	for step, end := int64(1000), log.End; !ok && end > log.Start; step *= 4 {
		from := max(log.Start, log.End-step)
		for at := from; at < end; {
			got, err := fetcher.Fetch(ctx, at, time.Second, func(m *kafkasrc.Message) error {
				if m.Offset >= end {
					return nil
				}
				if k, own := readMark(m, id); own && k.row > found.row {
					found, ok = k, true
				}
				return nil
			})
			if err != nil {
				return found, false, err
			}
			at = got.Next
		}
		end = from
	}
	return found, ok, nil
}

// progress is where a replay stands.
type progress struct {
	after      []int64 // by partition: rows up to this one are in the log
	partitions int     // that rows are spread over
	shift      int64
	began      bool // some of it is in the log
}

// resume reads from the log how far this replay has come.
func (j *Job) resume(ctx context.Context, client *kafkasrc.Client) (progress, error) {
	ranges, err := client.Offsets(ctx, j.with.Topic)
	if err != nil {
		return progress{}, err
	}
	p := progress{after: make([]int64, len(ranges)), partitions: len(ranges)}
	for partition := range p.after {
		m, ok, err := newest(ctx, client, j.with.Topic, partition, ranges[partition], j.with.ID)
		if err != nil {
			return p, fmt.Errorf("look for earlier rows in %s/%d: %w", j.with.Topic, partition, err)
		}
		if ok {
			p.after[partition], p.shift, p.partitions, p.began = m.row, m.shift, m.partitions, true
		}
	}
	if p.partitions > len(p.after) {
		return p, fmt.Errorf("topic %s has %d partitions, this replay began with %d: it was made anew; give the replay another id", j.with.Topic, len(p.after), p.partitions)
	}
	return p, nil
}
