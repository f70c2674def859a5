package kafkasrc

import (
	"context"
	"encoding/binary"
	"errors"
)

// find looks from an offset to the log's end for the batch that begins with a session's next sequence number. It gives
// the offset after it and the number of its records, 0 when there is none. A log that ends before the offset has none.
func (f *Fetcher) find(ctx context.Context, from int64, s session) (next int64, records int, err error) {
	size := int32(fetchBytes)
	for {
		got, frame, err := f.ask(ctx, from, attemptTimeout/10, size)
		var outside *OutOfRangeError
		switch {
		case errors.As(err, &outside) && from < outside.Start:
			from = outside.Start
			continue
		case errors.As(err, &outside) && outside.Start >= 0:
			return 0, 0, nil
		case err != nil:
			return 0, 0, err
		}
		next, records, err := f.walk.find(got.records, from, s)
		frames.give(frame)
		switch {
		case err == errPartial && next == from && size < maxFrame/2:
			size *= 2 // as in Fetch
		case err != nil && (err != errPartial || next == from), records > 0:
			return next, records, err
		case next >= got.HighWatermark:
			return 0, 0, nil
		}
		from = next
	}
}

// find looks for a session's batch among those in b. Without one it gives the offset after the last whole batch.
func (w *walker) find(b []byte, from int64, s session) (next int64, records int, err error) {
	for next = from; len(b) > 0; {
		h, size, err := readBatchHeader(b)
		if err == errPartial {
			return next, 0, err
		}
		if err != nil {
			return next, 0, w.corrupt(max(h.base, next), err)
		}
		next = max(next, h.last+1)
		epoch, sequence := int16(binary.BigEndian.Uint16(b[51:])), int32(binary.BigEndian.Uint32(b[53:]))
		if h.attrs&attrControl == 0 && h.producer == s.producer && epoch == s.epoch && sequence == s.sequence {
			return next, int(h.last-h.base) + 1, nil
		}
		b = b[size:]
	}
	return next, 0, nil
}
