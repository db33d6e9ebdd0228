package playlist

import (
	"strconv"
	"strings"
)

// NameKind tells what a media file name stands for.
type NameKind uint8

// The kinds of media file.
const (
	NameInit NameKind = iota + 1
	NameSegment
	NamePart
)

// Name identifies one media file of a rendition. Its text form is the last path
// element of its URL: "init-0-k3x9.mp4", "s17-k3x9.m4s", "p17.3-k3x9.m4s". The
// epoch makes a name unique for ever, so that every cache may keep it.
type Name struct {
	Kind  NameKind
	Epoch string // [a-z0-9]{1,16}
	// Init is the init id of a NameInit.
	Init int
	// MSN is the segment of a NameSegment or NamePart; Part is the index of a
	// NamePart.
	MSN, Part int
}

// String returns the file name.
func (n Name) String() string {
	switch n.Kind {
	case NameInit:
		return "init-" + strconv.Itoa(n.Init) + "-" + n.Epoch + ".mp4"
	case NameSegment:
		return "s" + strconv.Itoa(n.MSN) + "-" + n.Epoch + ".m4s"
	case NamePart:
		return "p" + strconv.Itoa(n.MSN) + "." + strconv.Itoa(n.Part) + "-" + n.Epoch + ".m4s"
	default:
		return ""
	}
}

// ParseName is the inverse of [Name.String]. It reports false for anything that
// String would not have written.
func ParseName(s string) (Name, bool) {
	var n Name
	switch {
	case len(s) > 64:
		return Name{}, false
	case strings.HasPrefix(s, "init-"):
		n.Kind = NameInit
		id, epoch, ok := strings.Cut(strings.TrimSuffix(s[len("init-"):], ".mp4"), "-")
		if !ok {
			return Name{}, false
		}
		n.Init, n.Epoch = atoi(id), epoch
	case strings.HasPrefix(s, "s"):
		n.Kind = NameSegment
		msn, epoch, ok := strings.Cut(strings.TrimSuffix(s[1:], ".m4s"), "-")
		if !ok {
			return Name{}, false
		}
		n.MSN, n.Epoch = atoi(msn), epoch
	case strings.HasPrefix(s, "p"):
		n.Kind = NamePart
		at, epoch, ok := strings.Cut(strings.TrimSuffix(s[1:], ".m4s"), "-")
		if !ok {
			return Name{}, false
		}
		msn, part, _ := strings.Cut(at, ".")
		n.MSN, n.Part, n.Epoch = atoi(msn), atoi(part), epoch
	}
	// One canonical spelling: "s007", "s+7" and a missing suffix fall out here.
	if n.Kind == 0 || n.String() != s || !validEpoch(n.Epoch) {
		return Name{}, false
	}
	return n, true
}

// atoi returns -1 for what is not a small decimal number; String then differs.
func atoi(s string) int {
	v, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return -1
	}
	return int(v)
}

func validEpoch(s string) bool {
	if s == "" || len(s) > 16 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
