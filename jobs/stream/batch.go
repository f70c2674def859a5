package stream

import (
	"bytes"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"tillflow/lib/event"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
)

// batch is a stretch of one partition's log, read and decoded: the messages with offsets in [first, next).
type batch struct {
	first, next int64
	logEnd      int64

	rec     arrow.Record // the rows; released by reset
	offsets []int64      // by row
	marks   []int64      // by row: the watermark that judges it
	future  []future     // the few rows that are too far ahead to move it, in the order of the log
	dead    []ledger.Letter
	kept    []ledger.Letter // by row, when the messages are kept as they came; Reason is empty
	arena   []byte          // what kept points into

	minTime, maxTime int64 // event time over the rows; ledger.NoTime when there is none
	maxEvent         int64 // the tracker's Max after the batch
	hasMax           bool
	bytes            int

	unknown []event.Unknown // what the rows' messages have and no field declares
}

// reset empties the batch for messages from offset first on.
func (b *batch) reset(first int64) {
	if b.rec != nil {
		b.rec.Release()
		b.rec = nil
	}
	clear(b.dead)
	*b = batch{
		first: first, next: first, offsets: b.offsets[:0], marks: b.marks[:0], future: b.future[:0], dead: b.dead[:0], kept: b.kept[:0], arena: b.arena[:0],
		minTime: ledger.NoTime, maxTime: ledger.NoTime,
	}
}

// empty says whether there is nothing to write, not even a move over offsets that hold no message.
func (b *batch) empty() bool { return b.next == b.first }

// size is how full the batch is, in rows.
func (b *batch) size() int { return len(b.offsets) + len(b.dead) }

// addRow notes the row that was just decoded from m.
func (b *batch) addRow(m *kafkasrc.Message, at, mark int64) {
	b.offsets = append(b.offsets, m.Offset)
	b.marks = append(b.marks, mark)
	if b.minTime == ledger.NoTime || at < b.minTime {
		b.minTime = at
	}
	if b.maxTime == ledger.NoTime || at > b.maxTime {
		b.maxTime = at
	}
}

// keep copies the message of the last row, in case the row has to wait for a dimension.
func (b *batch) keep(m *kafkasrc.Message, at, mark, logged int64) {
	b.kept = append(b.kept, ledger.Letter{
		Offset: m.Offset, Key: b.hold(m.Key), Value: b.hold(m.Value), Headers: headers(m), EventTime: at, Watermark: mark, LogTime: logged,
	})
}

// hold copies p into the arena. When the arena moves, what was cut from it earlier stays where it was.
func (b *batch) hold(p []byte) []byte {
	if p == nil {
		return nil
	}
	n := len(b.arena)
	b.arena = append(b.arena, p...)
	return b.arena[n:len(b.arena):len(b.arena)]
}

// addDead keeps a message that can never become a row, with the watermark and the time at its place.
func (b *batch) addDead(m *kafkasrc.Message, reason string, mark, logged int64) {
	b.dead = append(b.dead, ledger.Letter{
		Offset: m.Offset, Key: bytes.Clone(m.Key), Value: bytes.Clone(m.Value), Headers: headers(m), Reason: reason,
		EventTime: ledger.NoTime, Watermark: mark, LogTime: logged,
	})
}

// logTime is the message's own time in the log, in microseconds; ledger.NoTime when it has none.
func logTime(m *kafkasrc.Message) int64 {
	if m.TimeMs < 0 || m.TimeMs > math.MaxInt64/1000 {
		return ledger.NoTime
	}
	return m.TimeMs * 1000
}

func headers(m *kafkasrc.Message) []ledger.Header {
	var out []ledger.Header
	for _, h := range m.Headers() {
		out = append(out, ledger.Header{Key: h.Key, Value: slices.Clone(h.Value)})
	}
	return out
}
