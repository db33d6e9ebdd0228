package transcript

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lectern/lectern/realtime"
)

// Life is for how long a document is likely to stay as it is.
type Life uint8

// The lives of documents.
const (
	// Growing: something is added while the class goes on.
	Growing Life = iota
	// Settled: the lecture has gone past it. A moderator may still take something away.
	Settled
	// Final: the class is over.
	Final
)

// Document is a document as it is sent. Nothing of it ever changes.
type Document struct {
	Body, Gzip     []byte // Gzip is nil if it would not be smaller
	ETag, GzipETag string // strong
	Life           Life
}

func newDocument(v any, life Life) (*Document, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write transcript: %w", err)
	}
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:12])
	d := &Document{Body: body, ETag: `"` + tag + `"`, Life: life}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write(body) // a Buffer takes everything
	_ = z.Close()
	if buf.Len() < len(body) {
		d.Gzip, d.GzipETag = bytes.Clone(buf.Bytes()), `"`+tag+`-gzip"`
	}
	return d, nil
}

func (d *Document) size() int { return len(d.Body) + len(d.Gzip) + messageBytes }

// indexFile and what minuteFile takes are the names of the documents.
const indexFile = "index.json"

// minuteOf returns the minute of a file's name, in its one spelling.
func minuteOf(file string) (int64, bool) {
	digits, ok := strings.CutSuffix(file, ".json")
	if !ok || digits == "" || len(digits) > 12 || digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return int64(n), err == nil //nolint:gosec // of 63 bits
}

// document returns the document of that name, ErrNotFound if there is none. least is
// the life of all documents: Settled once the class has ended.
func (f *fold) document(file string, least Life) (*Document, error) {
	place, value := &f.index, func() any { return f.list(least != Growing) }
	if file != indexFile {
		n, ok := minuteOf(file)
		in := f.minutes[n]
		if !ok || in == nil {
			return nil, ErrNotFound
		}
		if n < f.edge/minuteMS {
			least = max(least, Settled)
		}
		place, value = &in.document, func() any { return in.list(n) }
	}
	if d := *place; d != nil && d.Life == least {
		return d, nil
	}
	d, err := newDocument(value(), least)
	if err == nil {
		*place = d
	}
	return d, err
}

func (in *minute) list(n int64) Minute {
	out := Minute{V: Version, Minute: n, Messages: make([]Message, 0, len(in.messages)), LeftOut: in.leftOut}
	for _, m := range in.messages {
		if !m.deleted {
			out.Messages = append(out.Messages, m.Message)
		}
	}
	slices.SortStableFunc(out.Messages, func(a, b Message) int { return int(a.MediaTS - b.MediaTS) })
	return out
}

func (f *fold) list(ended bool) Index {
	out := Index{
		V: Version, Ended: ended, FirstMediaTS: f.first, LastMediaTS: f.last,
		Minutes: []MinuteInfo{}, Chapters: append([]Chapter{}, f.chapters...), Questions: []Question{}, Polls: []Poll{},
		Announcements: []Announcement{}, Pins: []Pin{},
	}
	for n, in := range f.minutes {
		there := 0
		for _, m := range in.messages {
			if !m.deleted {
				there++
			}
		}
		if there > 0 {
			out.Minutes = append(out.Minutes, MinuteInfo{Minute: n, Messages: there})
		}
	}
	slices.SortFunc(out.Minutes, func(a, b MinuteInfo) int { return int(a.Minute - b.Minute) })
	for _, q := range f.questions.order {
		if listed(q.State) {
			one := *q
			votes, _, _ := f.st.Votes(q.ID)
			one.Votes = votes.Votes
			out.Questions = append(out.Questions, one)
		}
	}
	for _, p := range f.polls.order {
		one := *p
		if _, tally := f.st.Tally(p.ID); tally != nil {
			one.Tally = tallyOf(tally)
		}
		out.Polls = append(out.Polls, one)
	}
	for _, a := range f.announcements.order {
		out.Announcements = append(out.Announcements, *a)
	}
	for _, p := range f.pins {
		if !p.deleted {
			out.Pins = append(out.Pins, p.Pin)
		}
	}
	return out
}

func tallyOf(t *realtime.Tally) *Tally {
	return &Tally{Voters: t.Voters, Counts: t.Counts, Words: t.Words}
}
