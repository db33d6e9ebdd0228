package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// bootIDName is a file of Linux whose content changes at each start of the machine.
const bootIDName = "/proc/sys/kernel/random/boot_id"

// A media file {name} has these beside it while it is made.
const (
	appendedSuffix = ".tmp"     // its first parts
	journalSuffix  = ".journal" // what is known of it
	rewriteSuffix  = ".new"     // the whole of it, when the appended file is not good
)

// journalLine is one line of a journal, in the form of an index line. The journal of
// an Init has one, with Init set. That of a segment has at most one with Head, in
// front, one a part, and one with Segment when it was finished.
type journalLine struct {
	Init    *initRecord    `json:"init,omitempty"`
	Head    *headRecord    `json:"head,omitempty"`
	Part    *partRecord    `json:"part,omitempty"`
	Segment *segmentRecord `json:"segment,omitempty"`
}

// headRecord is a [Head], with the boot of the machine that it was written in.
type headRecord struct {
	Boot                  string        `json:"boot,omitempty"`
	ProgramDateTime       time.Time     `json:"program_date_time"`
	MediaTime             time.Duration `json:"media_time"`
	InitID                int           `json:"init"`
	Discontinuity         bool          `json:"discontinuity,omitempty"`
	DiscontinuitySequence int           `json:"discontinuity_sequence,omitempty"`
}

// journal is what one journal says.
type journal struct {
	init   *initRecord
	head   *headRecord
	parts  []partRecord
	finish *segmentRecord
}

// decodeJournal reads as far as the lines are good: nothing behind a damaged one can
// be trusted to be whole.
func decodeJournal(data []byte) journal {
	var j journal
	for {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		var l journalLine
		if !whole || !decodeLine(line, &l) {
			return j
		}
		switch {
		case l.Init != nil && l.Init.valid():
			j.init = l.Init
		case l.Head != nil:
			j.head = l.Head
		case l.Part != nil && l.Part.Bytes > 0 && l.Part.Duration >= 0:
			j.parts = append(j.parts, *l.Part)
		case l.Segment != nil && l.Segment.valid():
			j.finish = l.Segment
			return j
		default:
			return j
		}
		data = rest
	}
}

// output is a segment's media file and journal while parts are appended. It belongs
// to appendLoop until the segment is finished, then to finishLoop.
type output struct {
	files   fileSystem
	media   file
	journal file

	parts  int    // how many were appended
	missed int    // how many were not, and counted
	sum    uint32 // of the parts appended; of the segment once it is finished
	taken  int64  // bytes that [Space] granted
	err    error  // what ended it; nothing is appended any more
}

// begin makes the files.
func (o *output) begin(path string, first *journalLine) error {
	var err error
	if o.media, err = o.files.Create(path + appendedSuffix); err != nil {
		o.media = nil
		return err
	}
	if o.journal, err = o.files.Create(path + journalSuffix); err != nil {
		o.journal = nil
		return err
	}
	if first == nil {
		return nil
	}
	return o.note(*first)
}

// append adds a part: media first, so that a line in the journal proves the bytes.
func (o *output) append(p part) error {
	if _, err := o.media.Write(p.data); err != nil {
		return err
	}
	sum := extend(o.sum, p.data)
	line := p.record()
	line.Checksum = sum
	if err := o.note(journalLine{Part: &line}); err != nil {
		return err
	}
	o.parts, o.sum = o.parts+1, sum
	return nil
}

func (o *output) note(l journalLine) error {
	line, err := encodeLine(l)
	if err != nil {
		return err
	}
	_, err = o.journal.Write(line)
	return err
}

// close closes the files; their bytes are with the operating system.
func (o *output) close() {
	var err error
	if o.media != nil {
		err = o.media.Close()
	}
	if o.journal != nil {
		err = errors.Join(err, o.journal.Close())
	}
	o.media, o.journal = nil, nil
	if o.err == nil {
		o.err = err
	}
}

// mediaName is what the name of a media file says.
type mediaName struct {
	init   bool
	id     int // of the Init, or the media sequence number
	epoch  string
	suffix string
}

func (n mediaName) String() string {
	kind, extension := "s", ".m4s"
	if n.init {
		kind, extension = "init-", ".mp4"
	}
	name := kind + strconv.Itoa(n.id)
	if n.epoch != "" { // earlier versions had no epoch there
		name += "-" + n.epoch
	}
	return name + extension + n.suffix
}

// parseMediaName reports false for what no Log has ever written.
func parseMediaName(s string) (mediaName, bool) {
	rest, extension := strings.TrimPrefix(s, "s"), ".m4s"
	isInit := strings.HasPrefix(s, "init-")
	if isInit {
		rest, extension = s[len("init-"):], ".mp4"
	}
	base, suffix, _ := strings.Cut(rest, extension)
	number, epoch, _ := strings.Cut(base, "-")
	id, err := strconv.ParseUint(number, 10, 31)
	known := suffix == "" || suffix == appendedSuffix || suffix == journalSuffix || suffix == rewriteSuffix
	n := mediaName{init: isInit, id: int(id), epoch: epoch, suffix: suffix}
	return n, err == nil && known && (epoch == "" || validEpoch(epoch)) && n.String() == s
}

// whole returns how many of parts path holds with the right bytes, and their size.
func (l *Log) whole(path string, parts []partRecord) (n int, size int64) {
	f, err := l.files.Open(path)
	if err != nil {
		l.starve(err)
		return 0, 0
	}
	defer func() { _ = f.Close() }()
	var sum uint32
	for _, p := range parts {
		if sum, err = extendFrom(sum, f, int64(p.Bytes)); err != nil || sum != p.Checksum {
			break
		}
		n, size = n+1, size+int64(p.Bytes)
	}
	return n, size
}

// intact reports whether path holds size bytes of that checksum, and no more.
func (l *Log) intact(path string, size int64, sum uint32) bool {
	f, err := l.files.Open(path)
	if err != nil {
		l.starve(err)
		return false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false
	}
	got, err := extendFrom(0, f, size)
	return err == nil && got == sum
}

// extendFrom is extend with the next n bytes of f.
func extendFrom(sum uint32, f *os.File, n int64) (uint32, error) {
	buf := make([]byte, min(n, 64<<10))
	for n > 0 {
		k, err := io.ReadFull(f, buf[:min(n, int64(len(buf)))])
		if err != nil {
			return 0, fmt.Errorf("read %q: %w", f.Name(), err)
		}
		sum, n = extend(sum, buf[:k]), n-int64(k)
	}
	return sum, nil
}

// bootID names the boot of the machine, "" if that is unknown.
func bootID(files fileSystem) string {
	b, err := files.ReadFile(bootIDName)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
