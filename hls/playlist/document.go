package playlist

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
)

// Document is one immutable text body, ready to be sent.
type Document struct {
	// Body is the identity encoding, Gzip the same compressed.
	Body, Gzip []byte
	// ETag and GzipETag are strong, quoted entity tags of the two.
	ETag, GzipETag string
}

// Prefix is the beginning of documents that differ in their end only, prepared
// so that joining it to an end costs a copy. It is immutable.
type Prefix struct {
	text   []byte
	packed []byte // text as DEFLATE blocks that are not the last (RFC 1951 §3.2.3), ending at a byte
	crc    uint32
	sum    [sha256.Size]byte
}

// Suffix is the end of documents.
type Suffix struct {
	text   []byte
	packed []byte // text as the last DEFLATE blocks
}

// Writer makes documents with buffers that it keeps. Its zero value is ready; it belongs
// to one goroutine.
type Writer struct {
	// Text is a buffer for the next text, to be appended to from its start.
	Text []byte

	packed bytes.Buffer
	flate  *flate.Writer
}

// compress returns text as DEFLATE blocks, of which the last is marked so if final
// is set. The result is the writer's own until the next call.
func (w *Writer) compress(text []byte, final bool) []byte {
	w.packed.Reset()
	if w.flate == nil {
		// The level is valid, so there is no error.
		w.flate, _ = flate.NewWriter(&w.packed, flate.BestSpeed)
	} else {
		w.flate.Reset(&w.packed)
	}
	_, _ = w.flate.Write(text) // a bytes.Buffer does not fail
	if final {
		_ = w.flate.Close()
	} else {
		_ = w.flate.Flush()
	}
	return w.packed.Bytes()
}

// Prefix prepares text, which it copies.
func (w *Writer) Prefix(text []byte) *Prefix {
	return &Prefix{
		text: bytes.Clone(text), packed: bytes.Clone(w.compress(text, false)),
		crc: crc32.ChecksumIEEE(text), sum: sha256.Sum256(text),
	}
}

// Suffix prepares text. The result is valid until the writer is used again but for
// Join.
func (w *Writer) Suffix(text []byte) Suffix {
	return Suffix{text: text, packed: w.compress(text, true)}
}

// Join makes the document of head, or of nothing if that is nil, and tail.
func (w *Writer) Join(head *Prefix, tail Suffix) Document {
	if head == nil {
		head = &Prefix{}
	}
	body := make([]byte, 0, len(head.text)+len(tail.text))
	body = append(append(body, head.text...), tail.text...)

	// RFC 1952 §2.3: one member; DEFLATE, no name or time, unknown system.
	header := [10]byte{0x1f, 0x8b, 8, 9: 0xff}
	packed := make([]byte, 0, len(header)+len(head.packed)+len(tail.packed)+8)
	packed = append(packed, header[:]...)
	packed = append(append(packed, head.packed...), tail.packed...)
	packed = binary.LittleEndian.AppendUint32(packed, crc32.Update(head.crc, crc32.IEEETable, tail.text))
	packed = binary.LittleEndian.AppendUint32(packed, uint32(len(body)))

	h := sha256.New()
	h.Write(head.sum[:])
	h.Write(tail.text)
	tag := hex.EncodeToString(h.Sum(nil)[:12])
	return Document{Body: body, Gzip: packed, ETag: `"` + tag + `"`, GzipETag: `"` + tag + `-gz"`}
}

// Document makes a document of text, which may be the writer's own.
func (w *Writer) Document(text []byte) Document {
	w.Text = text
	return w.Join(nil, w.Suffix(text))
}
