//go:build unix

package embedded

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// storedXZ puts data into the .xz format without compressing it: one block of LZMA2 chunks marked as uncompressed, with
// CRC32 checks. The standard library has no xz, and the archives that are fetched are in it.
//
// Format: The .xz File Format 1.2.1, tukaani.org/xz/xz-file-format.txt.
func storedXZ(data []byte) []byte {
	var out bytes.Buffer
	check := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) }
	flags := []byte{0, 1} // CRC32
	out.WriteString("\xfd7zXZ\x00")
	out.Write(flags)
	out.Write(check(flags))

	header := []byte{2, 0, 0x21, 1, 22, 0, 0, 0} // 12 bytes in all; one filter: LZMA2, dictionary of 8 MiB
	block := append(bytes.Clone(header), check(header)...)
	control := byte(1) // uncompressed, dictionary reset
	for rest := data; len(rest) > 0; control = 2 {
		chunk := rest[:min(len(rest), 1<<16)]
		rest = rest[len(chunk):]
		block = append(block, control)
		block = binary.BigEndian.AppendUint16(block, uint16(len(chunk)-1))
		block = append(block, chunk...)
	}
	block = append(block, 0)
	unpadded := len(block) + crc32.Size
	block = append(pad(block), check(data)...)
	out.Write(block)

	index := binary.AppendUvarint([]byte{0, 1}, uint64(unpadded))
	index = pad(binary.AppendUvarint(index, uint64(len(data))))
	out.Write(index)
	out.Write(check(index))

	footer := binary.LittleEndian.AppendUint32(nil, uint32((len(index)+crc32.Size)/4-1))
	footer = append(footer, flags...)
	out.Write(check(footer))
	out.Write(footer)
	out.WriteString("YZ")
	return out.Bytes()
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
