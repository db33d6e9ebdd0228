package origin

import (
	"net/url"
	"strings"

	"github.com/lectern/lectern/hls"
)

// target is what a path names.
type target struct {
	object           object
	class, rendition string
	file             string   // of media, pictures and transcripts, as it is in the path
	name             hls.Name // of media

	behind bool   // the path begins with /t/
	token  string // if behind; "" is none
}

// maxElement bounds class and rendition, in bytes.
const maxElement = 128

// Names of playlists and other documents, as package hls writes them.
const (
	fileMultivariant     = "index.m3u8"
	filePlaylist         = "index.m3u8"
	fileDVR              = "dvr.m3u8"
	fileIFrames          = "iframes.m3u8"
	fileDVRIFrames       = "dvr-iframes.m3u8"
	fileRecording        = "recording.m3u8"
	fileRecordingIFrames = "recording-iframes.m3u8"
	fileSteering         = "steering.json"
	fileCheck            = "check"
)

// parsePath understands the forms of path, each in its one spelling: a path
// that needed escapes is none of ours.
func parsePath(u *url.URL) (to target, ok bool) {
	if u.RawPath != "" {
		return target{}, false
	}
	rest, ok := strings.CutPrefix(u.Path, "/live/")
	if !ok {
		if rest, ok = strings.CutPrefix(u.Path, "/t/"); !ok {
			return target{}, false
		}
		to.behind = true
		to.token, rest, _ = strings.Cut(rest, "/")
		if rest, ok = strings.CutPrefix(rest, "live/"); !ok {
			return target{}, false
		}
	}
	to.class, rest, ok = strings.Cut(rest, "/")
	if !ok || !validElement(to.class) {
		return target{}, false
	}
	switch rest {
	case fileMultivariant:
		to.object = objectMultivariant
		return to, true
	case fileDVR:
		to.object = objectDVRMultivariant
		return to, true
	case fileSteering:
		to.object = objectSteering
		return to, true
	case fileCheck:
		to.object = objectCheck
		return to, to.behind
	}
	if IsPicture(rest) && validElement(rest) {
		to.object, to.file = objectPicture, rest
		return to, true
	}
	to.rendition, to.file, ok = strings.Cut(rest, "/")
	if !ok || !validElement(to.rendition) {
		return target{}, false
	}
	if to.rendition == folderTranscript {
		to.object = objectTranscript
		return to, strings.HasSuffix(to.file, ".json") && validElement(to.file)
	}
	switch to.file {
	case filePlaylist:
		to.object = objectPlaylist
	case fileDVR:
		to.object = objectDVR
	case fileIFrames:
		to.object = objectIFrames
	case fileDVRIFrames:
		to.object = objectDVRIFrames
	case fileRecording:
		to.object = objectRecording
	case fileRecordingIFrames:
		to.object = objectRecordingIFrames
	default:
		if to.name, ok = hls.ParseName(to.file); !ok {
			return target{}, false
		}
		switch to.name.Kind {
		case hls.NameInit:
			to.object = objectInit
		case hls.NameSegment:
			to.object = objectSegment
		default:
			to.object = objectPart
		}
	}
	return to, true
}

// IsPicture reports whether nothing but a still picture, or the list of them, can have
// the path.
func IsPicture(path string) bool {
	return strings.HasSuffix(path, ".jpg") || strings.HasSuffix(path, ".vtt")
}

// validElement reports whether s may be a class or a rendition. What it lets pass
// can stand in a header as it is.
func validElement(s string) bool {
	return s != "" && len(s) <= maxElement && plain(s)
}
