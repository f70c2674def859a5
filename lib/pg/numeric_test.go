package pg

import (
	"bytes"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A numeric cell that is written is read back, at any scale; one that is random is read or refused.
func FuzzNumeric(f *testing.F) {
	f.Add(int64(12345), uint8(2), []byte{0, 1, 0, 0, 0, 0, 0, 2, 0, 5})
	f.Add(int64(-1), uint8(18), []byte{0, 0, 0, 0, 0xc0, 0, 0, 0})
	f.Add(int64(-1<<63), uint8(0), []byte{0, 2, 0x7f, 0xff, 0x40, 0, 0, 0, 0x27, 0x0f, 0x27, 0x0f})
	f.Fuzz(func(t *testing.T, v int64, scale uint8, cell []byte) {
		s := int(scale) % 19
		b := appendNumeric(nil, v>>63, uint64(v), s)
		if len(b) > maxNumericSize {
			t.Errorf("%d at scale %d takes %d bytes", v, s, len(b))
		}
		got, err := readNumeric(b[4:], s)
		if err != nil || got != v {
			t.Errorf("%d at scale %d came back as %d (%v)", v, s, got, err)
		}
		if got, err := readNumeric(cell, s); err == nil {
			if want, ok := slowNumeric(cell, s); !ok || want.Cmp(big.NewInt(got)) != 0 {
				t.Errorf("cell %x at scale %d gave %d, want %v", cell, s, got, want)
			}
		}
	})
}

// slowNumeric reads a cell with big integers; ok is false when it is no integer of 10^-scale.
func slowNumeric(cell []byte, scale int) (v *big.Int, ok bool) {
	weight := int64(int16(uint16(cell[2])<<8 | uint16(cell[3])))
	sum := new(big.Rat)
	for i := 8; i < len(cell); i += 2 {
		power := 4*weight + int64(scale)
		weight--
		d := int64(cell[i])<<8 | int64(cell[i+1])
		if d == 0 {
			continue
		}
		if power > 1000 || power < -1000 {
			return nil, false
		}
		p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(power, -power)), nil))
		if power < 0 {
			p.Inv(p)
		}
		sum.Add(sum, p.Mul(p, new(big.Rat).SetInt64(d)))
	}
	if cell[4] == 0x40 && cell[5] == 0 {
		sum.Neg(sum)
	}
	return sum.Num(), sum.IsInt()
}

// However little room the reader is given, the stream is the same.
func TestCopyStreamDoesNotDependOnTheBuffer(t *testing.T) {
	t.Parallel()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int64},
	}, nil))
	defer b.Release()
	for i := range 50 {
		if i%7 == 0 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", i*i))
		}
		b.Field(1).(*array.Int64Builder).Append(int64(i))
	}
	rec := b.NewRecord()
	defer rec.Release()
	stream := func(wrap func(io.Reader) io.Reader) []byte {
		r, err := newCopyReader(rec)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		out, err := io.ReadAll(wrap(r))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := stream(func(r io.Reader) io.Reader { return r })
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one_byte": iotest.OneByteReader, "half": iotest.HalfReader,
		"100_bytes": func(r io.Reader) io.Reader { return &limited{r, 100} },
	} {
		if got := stream(wrap); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes differ from %d", name, len(got), len(want))
		}
	}
	r, err := newCopyReader(rec)
	if err != nil {
		t.Fatal(err)
	}
	r.close()
	if _, err := r.Read(make([]byte, 10)); err != errClosed {
		t.Errorf("after close: %v", err)
	}
}

type limited struct {
	r io.Reader
	n int
}

func (l *limited) Read(p []byte) (int, error) { return l.r.Read(p[:min(len(p), l.n)]) }
