package hls

import "github.com/lectern/lectern/hls/playlist"

// Name identifies one media file of a rendition, see [playlist.Name].
type Name = playlist.Name

// The kinds of media file.
const (
	NameInit    = playlist.NameInit
	NameSegment = playlist.NameSegment
	NamePart    = playlist.NamePart
)

// ParseName is the inverse of [playlist.Name.String].
func ParseName(s string) (Name, bool) { return playlist.ParseName(s) }
