package segment

import "fmt"

// The seam that only tests use: a Log on a file system of their choice.
type (
	FileSystem   = fileSystem
	File         = file
	OSFileSystem = osFileSystem
)

// OpenOn is Open on files.
func OpenOn(dir string, cfg Config, deps Deps, files FileSystem) (*Log, error) {
	return open(dir, cfg, deps, files)
}

// Line makes an index line with a good checksum.
func Line(text string) []byte {
	return fmt.Appendf(nil, "%08x %s\n", checksum([]byte(text)), text)
}

// DecodeIndex returns the end of the good lines and the count of bad ones.
func DecodeIndex(data []byte) (end, damaged int) {
	_, end, damaged = decodeIndex(data)
	return end, damaged
}

// Committed reports whether the operating system has all that was put into l.
func Committed(l *Log) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handed.all == l.appends.all
}

// JournalSizes returns the sizes of the parts that a journal knows.
func JournalSizes(data []byte) (sizes []int) {
	for _, p := range decodeJournal(data).parts {
		sizes = append(sizes, p.Bytes)
	}
	return sizes
}

// IsMediaName reports whether a Log may have made a file of that name.
func IsMediaName(s string) bool {
	_, ok := parseMediaName(s)
	return ok
}
