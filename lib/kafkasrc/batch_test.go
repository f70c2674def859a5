package kafkasrc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"unsafe"

	"github.com/segmentio/kafka-go"
)

// batchOf encodes values as one record batch at an offset, with attributes; control and compressed ones included.
func batchOf(base int64, attrs uint16, values ...string) []byte {
	rs := make([]Record, len(values))
	for i, v := range values {
		rs[i] = Record{Value: []byte(v), TimeMs: 1000 + int64(i)}
	}
	b, _ := appendBatch(nil, rs, session{producer: 7, epoch: 1}, 1<<30)
	b = b[4:]
	if codec := kafka.Compression(attrs & attrCompression).Codec(); codec != nil {
		var packed bytes.Buffer
		w := codec.NewWriter(&packed)
		if _, err := w.Write(b[batchHeader:]); err != nil {
			panic(err)
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		b = append(b[:batchHeader], packed.Bytes()...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	}
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint16(b[21:], attrs)
	seal(b)
	return b
}

// seal makes a batch's checksum right.
func seal(b []byte) { binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli)) }

func walk(b []byte, from int64, aborted ...abortedTxn) (values []string, next int64, err error) {
	w := walker{topic: "sales"}
	next, err = w.records(b, from, aborted, func(m *Message) error {
		values = append(values, string(m.Value))
		return nil
	})
	return values, next, err
}

func TestWalkBatches(t *testing.T) {
	t.Parallel()
	broken := func(change func(b []byte)) []byte {
		b := batchOf(5, 0, "a", "b")
		change(b)
		return b
	}
	for _, tc := range []struct {
		name string
		in   []byte
		from int64
		want string
		next int64
		err  string
	}{
		{"nothing", nil, 3, "", 3, ""},
		{"two_batches", append(batchOf(5, 0, "a", "b"), batchOf(7, 0, "c")...), 5, "a b c", 8, ""},
		{"gap_left_by_compaction", append(batchOf(5, 0, "a"), batchOf(90, 0, "b")...), 5, "a b", 91, ""},
		{"from_inside_a_batch", batchOf(5, 0, "a", "b", "c"), 6, "b c", 8, ""},
		{"batch_before_from_is_skipped", append(batchOf(5, 0, "a"), batchOf(6, 0, "b")...), 6, "b", 7, ""},
		{"control_batch_is_skipped", append(batchOf(5, attrControl|attrTxn, "x"), batchOf(6, 0, "b")...), 5, "b", 7, ""},
		{"compressed", batchOf(5, uint16(kafka.Zstd), "a", "b"), 5, "a b", 7, ""},
		{"cut_off_batch", append(batchOf(5, 0, "a"), batchOf(6, 0, "b")[:65]...), 5, "a", 6, "record batch is cut off"},
		{"cut_off_header", batchOf(6, 0, "b")[:30], 6, "", 6, "record batch is cut off"},
		{"wrong_checksum", broken(func(b []byte) { b[70]++ }), 5, "", 5, "sales/0: record batch at offset 5: checksum"},
		{"old_format", broken(func(b []byte) { b[16] = 1 }), 5, "", 5, "message format 1; only format 2 is supported"},
		{"length_too_small", broken(func(b []byte) { binary.BigEndian.PutUint32(b[8:], 4) }), 5, "", 5, "length 4 is too small"},
		{"length_negative", broken(func(b []byte) { binary.BigEndian.PutUint32(b[8:], 1<<31) }), 5, "", 5, "is too small"},
		{"more_records_than_bytes", broken(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 9); seal(b) }), 5, "a b", 7, "record 3 of 9 is malformed"},
		{"fewer_records_than_bytes", broken(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 1); seal(b) }), 5, "a", 6, "bytes after the last of 1 records"},
		{"negative_count", broken(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 1<<31); seal(b) }), 5, "", 5, "-2147483648 records"},
		{"record_longer_than_batch", broken(func(b []byte) { b[61] = 0x7e; seal(b) }), 5, "", 5, "record 1 of 2 is malformed"},
		{"unknown_compression", broken(func(b []byte) { b[22] = 6; seal(b) }), 5, "", 5, "unknown compression 6"},
		{"not_compressed_as_it_says", broken(func(b []byte) { b[22] = 1; seal(b) }), 5, "", 5, "unpack gzip"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, next, err := walk(tc.in, tc.from)
			if strings.Join(got, " ") != tc.want || next != tc.next {
				t.Errorf("got %q, next %d; want %q, %d", got, next, tc.want, tc.next)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

// A log that is set to append time stamps a whole batch with one time.
func TestAppendTimeIsTheBatchs(t *testing.T) {
	t.Parallel()
	b := batchOf(0, attrAppendTime, "a", "b")
	var w walker
	if _, err := w.records(b, 0, nil, func(m *Message) error {
		if m.TimeMs != 1001 {
			t.Errorf("time of offset %d is %d", m.Offset, m.TimeMs)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestBatchesAreCutAtTheLimit(t *testing.T) {
	t.Parallel()
	rs := make([]Record, 5000)
	for i := range rs {
		rs[i] = Record{Value: bytes.Repeat([]byte("v"), i%700), Key: []byte("k")}
	}
	const limit = 20_000
	for left := rs; len(left) > 0; {
		b, n := appendBatch(nil, left, session{}, limit)
		if n == 0 || len(b)-4 > limit {
			t.Fatalf("%d records in %d bytes", n, len(b)-4)
		}
		if n < len(left) {
			if longer := len(b) - 4 + recordSize(&left[n], 0, n) + 5; longer <= limit {
				t.Fatalf("one more record fits: %d bytes", longer)
			}
		}
		left = left[n:]
	}
	if b, n := appendBatch(nil, []Record{{Value: make([]byte, 2*limit)}}, session{}, limit); n != 1 || len(b) < 2*limit {
		t.Errorf("a large record alone: %d records in %d bytes", n, len(b))
	}
}

// Whatever a broker sends, walking it ends, stays inside the bytes, shows offsets in the range of their batch, and
// goes forward. The checksums are made right, or nothing behind them would be reached.
func FuzzWalk(f *testing.F) {
	f.Add(batchOf(5, 0, "a", "bc"), int64(5))
	f.Add(append(batchOf(0, attrTxn, "a"), batchOf(1, attrControl|attrTxn, "\x00\x00\x00\x00")...), int64(0))
	for _, c := range []kafka.Compression{kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		f.Add(batchOf(9, uint16(c), "a", strings.Repeat("b", 300)), int64(9))
	}
	f.Fuzz(func(t *testing.T, in []byte, from int64) {
		from &= 1<<40 - 1
		for b := in; len(b) > batchHeader; {
			size := int(int32(binary.BigEndian.Uint32(b[8:]))) + 12
			if size <= batchHeader || size > len(b) {
				break
			}
			b[16] = 2
			seal(b[:size])
			b = b[size:]
		}
		in = bytes.Clone(in)[:len(in):len(in)]
		w := walker{}
		last := from
		next, err := w.records(in, from, []abortedTxn{{7, 3}}, func(m *Message) error {
			if m.Offset < from {
				t.Errorf("offset %d before %d", m.Offset, from)
			}
			last = m.Offset
			inside(t, in, w.inflated.Bytes(), m.Key)
			inside(t, in, w.inflated.Bytes(), m.Value)
			for _, h := range m.Headers() {
				inside(t, in, w.inflated.Bytes(), h.Value)
			}
			return nil
		})
		var corrupt *CorruptError
		if err != nil && err != errPartial && !errors.As(err, &corrupt) {
			t.Errorf("error %v", err)
		}
		if next < from || err == nil && next < last {
			t.Errorf("next %d after %d, from %d", next, last, from)
		}
	})
}

func inside(t *testing.T, a, b, v []byte) {
	if len(v) == 0 {
		return
	}
	for _, room := range [][]byte{a, b} {
		if len(room) > 0 {
			start, p := uintptr(unsafe.Pointer(&room[0])), uintptr(unsafe.Pointer(&v[0]))
			if p >= start && p+uintptr(len(v)) <= start+uintptr(len(room)) && cap(v) == len(v) {
				return
			}
		}
	}
	t.Errorf("a slice of %d bytes (cap %d) leaves its batch", len(v), cap(v))
}

// A response is decoded or refused; it is never read past its end.
func FuzzDecodeFetch(f *testing.F) {
	res := make([]byte, 0, 200)
	res = binary.BigEndian.AppendUint32(res, correlation)
	res = append(res, make([]byte, 4+6)...)
	res = append(res, 0, 0, 0, 1, 0, 5, 's', 'a', 'l', 'e', 's', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	res = append(res, make([]byte, 24)...)
	res = append(res, 0, 0, 0, 1)
	res = append(res, make([]byte, 16+4)...)
	batch := batchOf(0, 0, "a")
	res = append(binary.BigEndian.AppendUint32(res, uint32(len(batch))), batch...)
	f.Add(res, int16(11))
	f.Add(res, int16(4))
	f.Fuzz(func(t *testing.T, in []byte, version int16) {
		version = minFetchVersion + (version&0x7fff)%(maxFetchVersion-minFetchVersion+1)
		in = bytes.Clone(in)[:len(in):len(in)]
		got, err := decodeFetch(in, version, 5)
		if err == nil && len(got.records)+16*len(got.aborted) > len(in) {
			t.Errorf("%d bytes gave %d of records and %d aborted", len(in), len(got.records), len(got.aborted))
		}
	})
}

// The metadata response has many lengths; none may be believed.
func FuzzDecodeTopic(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 'h', 0, 0, 0, 1, 0, 0, 2, 'c', 0, 0, 0, 1, 2, 0, 0, 2, 's', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0}, int16(12))
	f.Fuzz(func(t *testing.T, in []byte, version int16) {
		topic, err := decodeTopic(&cursor{b: in}, 9+(version&0x7fff)%4, "sales")
		if err == nil && (len(topic.Partitions) == 0 || len(topic.Partitions) > len(in)) {
			t.Errorf("%d bytes gave %+v", len(in), topic)
		}
	})
}

func TestFindBatch(t *testing.T) {
	t.Parallel()
	two := append(batchOf(5, 0, "a", "b"), batchOf(7, uint16(kafka.Zstd), "c", "d", "e")...)
	binary.BigEndian.PutUint32(two[len(batchOf(5, 0, "a", "b")):][53:], 2) // the second follows on the first
	seal(two[len(batchOf(5, 0, "a", "b")):])
	broken := bytes.Clone(two)
	broken[70]++
	for _, tc := range []struct {
		name    string
		in      []byte
		s       session
		next    int64
		records int
		err     string
	}{
		{"first", two, session{7, 1, 0}, 7, 2, ""},
		{"second_packed", two, session{7, 1, 2}, 10, 3, ""},
		{"not_yet", two, session{7, 1, 5}, 10, 0, ""},
		{"other_producer", two, session{8, 1, 0}, 10, 0, ""},
		{"other_epoch", two, session{7, 2, 0}, 10, 0, ""},
		{"nothing", nil, session{7, 1, 0}, 5, 0, ""},
		{"marker", batchOf(5, attrControl, "x"), session{7, 1, 0}, 6, 0, ""},
		{"cut_off", two[:len(two)-1], session{7, 1, 2}, 7, 0, "record batch is cut off"},
		{"broken", broken, session{7, 1, 2}, 5, 0, "record batch at offset 5: checksum"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w walker
			next, records, err := w.find(tc.in, 5, tc.s)
			if next != tc.next || records != tc.records {
				t.Errorf("next %d, %d records; want %d, %d", next, records, tc.next, tc.records)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}
