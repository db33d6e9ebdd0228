package playlist

import "sync"

// Long is a rendition's DVR list as it is after one segment, or its recording.
// Most are never asked for, so the text is made for the first who does. It may be
// used from any goroutine.
type Long struct {
	// Set before it is shared, then read-only: the rows, the cues of the class, what
	// stands before them, how many rows a delta update leaves out, whether EXT-X-ENDLIST
	// ends the list, and EXT-X-TARGETDURATION in seconds.
	Rows     []Row
	Cues     Cues
	Preamble []byte
	Until    int
	Ended    bool
	Target   int64

	once        sync.Once
	full, delta Document

	iFramesOnce sync.Once
	iFrames     Document
}

// Documents returns the whole list, and the delta update, which is the same where
// there is nothing to skip.
func (l *Long) Documents() (full, delta *Document) {
	l.once.Do(func() {
		var w Writer
		l.full = w.Document(l.text(0))
		l.delta = l.full
		if l.Until > 0 && !l.Ended {
			l.delta = w.Document(l.text(l.Until))
		}
	})
	return &l.full, &l.delta
}

func (l *Long) text(skip int) []byte {
	size := len(l.Preamble) + 128
	for i := skip; i < len(l.Rows); i++ {
		size += len(l.Rows[i].head) + len(l.Rows[i].tail)
	}
	b := append(make([]byte, 0, size), l.Preamble...)
	b = appendRows(b, l.Rows, l.Cues, 0, skip, len(l.Rows))
	if l.Ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}

// IFrames returns the I-frame playlist, nil if there is none.
func (l *Long) IFrames() *Document {
	if !HasIFrames(l.Rows) {
		return nil
	}
	l.iFramesOnce.Do(func() {
		var w Writer
		l.iFrames = w.Document(AppendIFrames(nil, l.Rows, l.Target, l.Ended))
	})
	return &l.iFrames
}
