package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
)

// ErrNothingToSkip says that no partition is in the state that a skip is for.
var ErrNothingToSkip = errors.New("nothing to skip")

// SkipToStart lets the partitions of the stream go on at the start of their logs that retention has passed: the offsets between
// are recorded as a gap, for good. partition says which one; nil means all that need it. It never touches a partition
// that can go on by itself, and none that a worker holds.
func (j *Job) SkipToStart(ctx context.Context, partition *int, note string) ([]ledger.Skip, error) {
	return j.skip(ctx, partition, note, ledger.SkipGap)
}

// SkipToNewLog has the logs of partitions read from their start that were made anew, are on another cluster now, or
// lost their tail. What the old logs became stays in the tables and in the ledger, at other offsets. A message that both
// logs have is known by its key the second time: a duplicate, which changes no total.
func (j *Job) SkipToNewLog(ctx context.Context, partition *int, note string) ([]ledger.Skip, error) {
	return j.skip(ctx, partition, note, ledger.SkipNewLog)
}

func (j *Job) skip(ctx context.Context, partition *int, note, kind string) ([]ledger.Skip, error) {
	client, err := kafkasrc.Open(j.deps.Brokers, kafkasrc.Options{Log: j.deps.Log, ClientID: "tillflow-skip-" + j.name})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	short, cancel := context.WithTimeout(ctx, brokerPatience)
	defer cancel()
	topic, err := client.Topic(short, j.with.Topic)
	if err != nil {
		return nil, err
	}
	ranges, err := client.Offsets(short, j.with.Topic)
	if err != nil {
		return nil, err
	}
	ps, err := ledger.Progress(ctx, j.deps.DB, j.name)
	if err != nil {
		return nil, err
	}
	var done []ledger.Skip
	for _, p := range ps {
		r, there := ranges[p.Partition]
		if p.Topic != j.with.Topic || !there || partition != nil && *partition != p.Partition {
			continue
		}
		if err := needsSkip(p, r, logID{topic.ClusterID, topic.ID}, kind); err != nil {
			if partition == nil && errors.Is(err, ErrNothingToSkip) {
				continue
			}
			return done, err
		}
		s, err := ledger.NewSkip{
			Job: j.name, Topic: p.Topic, Partition: p.Partition, Kind: kind, Expect: p.Next, Start: r.Start,
			ClusterID: topic.ClusterID, TopicID: topic.ID, Note: note, States: slices.Concat(readingKinds, writingKinds),
		}.Skip(ctx, j.deps.DB)
		if err != nil {
			return done, err
		}
		done = append(done, s)
	}
	if len(done) == 0 {
		which := "no partition of topic " + j.with.Topic + " is in that state"
		if partition != nil {
			which = fmt.Sprintf("%s has read no partition %d of topic %s", j.name, *partition, j.with.Topic)
		}
		return nil, fmt.Errorf("%w: %s", ErrNothingToSkip, which)
	}
	return done, nil
}

// needsSkip says why a partition does not need a skip of a kind, or nil. The error is ErrNothingToSkip when it can go on
// by itself.
func needsSkip(p ledger.Partition, r kafkasrc.Range, log logID, kind string) error {
	at := fmt.Sprintf("%s/%d", p.Topic, p.Partition)
	another := sameLog(p.Topic, logID{p.ClusterID, p.TopicID}, log)
	switch {
	case kind == ledger.SkipGap && another != nil:
		return fmt.Errorf("%s: the log is not the one that was read so far, so its start says nothing about the gap; --new-log reads it from its start", at)
	case kind == ledger.SkipGap && p.Next > r.End:
		return fmt.Errorf("%s: the log lost its tail: it ends at %d, before offset %d; --new-log reads what it has from its start", at, r.End, p.Next)
	case kind == ledger.SkipGap && p.Next < r.Start, kind == ledger.SkipNewLog && (another != nil || p.Next > r.End):
		return nil
	case kind == ledger.SkipNewLog && p.Next < r.Start:
		return fmt.Errorf("%s: the log is the one that was read so far, and retention has passed offset %d; --to-start goes on at its start %d", at, p.Next, r.Start)
	}
	return fmt.Errorf("%w: %s can go on: its next offset %d is in the log, which has %d to %d", ErrNothingToSkip, at, p.Next, r.Start, r.End)
}
