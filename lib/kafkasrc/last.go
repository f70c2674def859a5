package kafkasrc

import (
	"context"
	"errors"
	"slices"
)

var errFound = errors.New("found")

// LastMessage gives the last committed message of a partition; ok is false when it has none. The value is the
// caller's.
func (c *Client) LastMessage(ctx context.Context, topic string, partition int) (value []byte, offset int64, ok bool, err error) {
	ranges, err := c.offsets(ctx, topic, []int{partition})
	if err != nil {
		return nil, 0, false, err
	}
	log := ranges[partition]
	// The last offsets may be markers, aborted or compacted away: look further and further back.
	for back := int64(1); !ok && log.Start < log.End; back *= 8 {
		from := max(log.Start, log.End-back)
		err := c.scan(ctx, topic, partition, from, log.End, func(m *Message) error {
			value, offset, ok = append(value[:0], m.Value...), m.Offset, true
			return nil
		})
		if err != nil {
			return nil, 0, false, err
		}
		if from == log.Start {
			break
		}
	}
	return value, offset, ok, nil
}

// FirstMessage gives the first committed message of a partition; ok is false when it has none. The value is the
// caller's.
func (c *Client) FirstMessage(ctx context.Context, topic string, partition int) (value []byte, offset int64, ok bool, err error) {
	ranges, err := c.offsets(ctx, topic, []int{partition})
	if err != nil {
		return nil, 0, false, err
	}
	log := ranges[partition]
	err = c.scan(ctx, topic, partition, log.Start, log.End, func(m *Message) error {
		value, offset, ok = slices.Clone(m.Value), m.Offset, true
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, 0, false, err
	}
	return value, offset, ok, nil
}

// scan calls each for the committed messages of [from, end).
func (c *Client) scan(ctx context.Context, topic string, partition int, from, end int64, each func(m *Message) error) error {
	f := c.NewFetcher(topic, partition)
	for from < end {
		got, err := f.Fetch(ctx, from, attemptTimeout/10, func(m *Message) error {
			if m.Offset >= end {
				return nil
			}
			return each(m)
		})
		if err != nil {
			return err
		}
		from = got.Next
	}
	return nil
}
