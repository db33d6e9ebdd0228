package origin

import (
	"strconv"
	"strings"
	"time"
)

// Cache-Control of everything that the origin sends, by class of object. The
// reasons are in RFC 8216bis Appendix B.1; where we differ from it:
//
//   - A refused or expired request is kept for one second, not four target
//     durations: it may be answered differently a second later.
//   - A 503 is not kept at all: in a cache it would outlive the stall.
//   - The 404 for a hinted part that did not come in time is not kept either:
//     the part may exist the moment after.
const (
	cacheInit     = "max-age=86400, immutable" // the name carries the init id and the epoch
	cacheSegment  = "max-age=3600, immutable"
	cacheRefused  = "max-age=1" // 400, 404, 412, 416
	cacheNothing  = "no-store"  // 405, 500, 503, and the late hint
	preflightLife = "86400"     // Access-Control-Max-Age, in seconds; browsers cap it
)

// cacheMultivariant is for a multivariant playlist.
func cacheMultivariant(target time.Duration) string {
	half := seconds(target / 2)
	return "max-age=" + half + ", s-maxage=" + half + ", stale-if-error=60"
}

// cachePlaylist is for a media playlist without _HLS_msn, whose next state comes
// within a part when parts is above 0, else within a segment.
func cachePlaylist(target, parts time.Duration) string {
	life := "1"
	if parts == 0 {
		life = seconds(target / 2)
	}
	return "max-age=" + life + ", stale-if-error=" + seconds(3*target)
}

// cacheBlocking is for a media playlist with _HLS_msn: what it promises stays
// true.
func cacheBlocking(target time.Duration) string { return "max-age=" + seconds(6*target) }

// cachePart is for a Partial Segment, which is not listed for long.
func cachePart(target time.Duration) string {
	return "max-age=" + seconds(6*target) + ", immutable"
}

// seconds renders d in whole seconds, at least one.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64(d/time.Second)), 10)
}

const typePlaylist = "application/vnd.apple.mpegurl"

// mediaType is the Content-Type of a rendition's init, segments and parts.
// Audio renditions are those named "audio", or "audio-" and something.
func mediaType(rendition string) string {
	if rendition == "audio" || strings.HasPrefix(rendition, "audio-") {
		return "audio/mp4"
	}
	return "video/mp4"
}
