package worker

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	lineBytes   = 1 << 10
	linesSecond = 20
)

// logLines logs what a worker writes to its stderr, linesSecond lines a second of
// lineBytes each, until r ends. What is beyond goes to skipped, line by line, and
// is told with the next line that is logged. The lines may hold bytes of a
// publisher: they are made printable.
func logLines(r io.Reader, logger *slog.Logger, now func() time.Time, skipped func()) {
	src := bufio.NewReaderSize(r, lineBytes)
	var second time.Time
	logged, missing := 0, 0
	for {
		line, err := src.ReadSlice('\n')
		rest := err
		for errors.Is(rest, bufio.ErrBufferFull) {
			if len(line) == lineBytes {
				line = append([]byte(nil), line...) // the next read overwrites it
			}
			_, rest = src.ReadSlice('\n')
		}
		if len(line) > 0 {
			if t := now(); t.Sub(second) >= time.Second || t.Before(second) {
				second, logged = t, 0
			}
			if logged++; logged > linesSecond {
				missing++
				skipped()
			} else {
				logger.Warn("worker wrote to stderr", "err", trimLine(line), "count", missing)
				missing = 0
			}
		}
		if rest != nil {
			return
		}
	}
}

func trimLine(line []byte) string {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	return wire.Printable(string(line))
}
