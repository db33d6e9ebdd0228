package origin

import (
	"strconv"
	"strings"
	"time"
)

// Cache-Control of everything that the origin sends, by class of object; TD is the
// target duration.
//
//	object                            life                     after the end      if the origin fails
//	multivariant playlists            TD/2, s-maxage same      6 TD               60 s, an hour
//	live playlist with parts          1 s                      6 TD               3 TD, an hour
//	other live playlists              TD/2                     6 TD               3 TD, an hour
//	playlist with _HLS_msn            6 TD                     6 TD               never stale
//	recording, its I-frames           -                        a day              a day
//	init                              a day, immutable         same               names are never reused
//	segment                           an hour, immutable       same               "
//	part                              6 TD after it was made   same               "
//	steering manifest                 its TTL                  same               a day
//	check of a token, good            10 s                     same               never stale
//	transcript, what grows            2 s                      5 min              an hour once it has ended
//	transcript, a minute gone by      30 s                     same               "
//	400, 404, 412, 416                1 s
//	403, 405, 500, 503, late hint     never
//
// The reasons are in RFC 8216bis Appendix B.1; where we differ from it:
//
//   - A refused or expired request is kept for one second, not four target
//     durations: it may be answered differently a second later.
//   - A 503 is not kept at all: in a cache it would outlive the stall.
//   - The 404 for a hinted part that did not come in time is not kept either:
//     the part may exist the moment after.
//
// Nothing is kept beyond its planned removal (§6.2.2): a part stays for six target
// durations at least, and the files of segments are the recording. A stale playlist
// that is live is worth less than an error after three target durations, since it
// hides that nothing comes any more. What has ended is kept longer, but not for
// ever: a class can be deleted. Age is for caches to say, not for us.
//
// A transcript can lose a message at any time, since a moderator takes it away; the
// times above are how long caches may show it nevertheless. In an ended class only its
// deletion is left.
//
// All answers of a playlist vary by Accept-Encoding, media by nothing: no header,
// cookie or parameter tells one viewer's answer from another's.
const (
	cacheRefused  = "max-age=1" // 400, 404, 412, 416
	cacheNothing  = "no-store"  // 403, 405, 500, 503, and the late hint
	preflightLife = "86400"     // Access-Control-Max-Age, in seconds; browsers cap it
)

// rules are the values of Cache-Control for classes of these durations, ready to be
// put into header maps, which share them: they are never changed.
type rules struct {
	target, parts time.Duration // parts is 0 without Low-Latency HLS

	multivariant, multivariantEnded []string
	live                            []string   // the live media playlist
	slow                            []string   // other media playlists of a class that is on
	ended                           []string   // media playlists with EXT-X-ENDLIST, but recordings
	blocking                        []string   // media playlists that were asked for by _HLS_msn
	part                            [][]string // by seconds left, from 1
}

func newRules(target, parts time.Duration) *rules {
	half, six := seconds(target/2), seconds(6*target)
	staleLive := ", stale-if-error=" + seconds(3*target)
	const staleEnded = ", stale-if-error=3600"
	one := func(s string) []string { return []string{s} }
	c := &rules{
		target: target, parts: parts,
		multivariant:      one("max-age=" + half + ", s-maxage=" + half + ", stale-if-error=60"),
		multivariantEnded: one("max-age=" + six + ", s-maxage=" + six + staleEnded),
		slow:              one("max-age=" + half + staleLive),
		ended:             one("max-age=" + six + staleEnded),
		blocking:          one("max-age=" + six), // what it promises stays true
	}
	c.live = c.slow
	if parts > 0 {
		c.live = one("max-age=1" + staleLive)
	}
	for left := 0; left <= wholeSeconds(6*target); left++ {
		c.part = append(c.part, one("max-age="+strconv.Itoa(max(1, left))+", immutable"))
	}
	return c
}

// partLife returns the value for a part that was made at.
func (c *rules) partLife(at time.Time) []string {
	longest := len(c.part) - 1
	return c.part[min(max(longest-int(time.Since(at)/time.Second), 1), longest)]
}

// rulesOf returns the rules for p. All classes have the same durations, unless the
// configuration has changed between them.
func (o *Origin) rulesOf(p Playlists) *rules {
	target, parts := p.TargetDuration(), p.PartTarget()
	if c := o.rules.Load(); c != nil && c.target == target && c.parts == parts {
		return c
	}
	c := newRules(target, parts)
	o.rules.Store(c)
	return c
}

func wholeSeconds(d time.Duration) int { return max(1, int(d/time.Second)) }

// seconds renders d in whole seconds, at least one.
func seconds(d time.Duration) string { return strconv.Itoa(wholeSeconds(d)) }

// Media types.
const (
	typePlaylist = "application/vnd.apple.mpegurl"
	typeSteering = "application/vnd.apple.steering-list"
	typeVideo    = "video/mp4"
	typeAudio    = "audio/mp4"
	typeJSON     = "application/json"
)

// headers are values that many answers have. Header maps share them: they are never
// changed.
type headers struct {
	// Cache-Control, where it is the same for all classes.
	recordingLife, initLife, segmentLife, steeringLife, checkLife []string

	transcriptLife [settlements][]string

	everyone, exposed, crossOrigin []string
	varyEncoding, gzip, bytes      []string
	playlist, steering             []string
	video, audio                   []string
	json, nosniff                  []string
}

func newHeaders() headers {
	return headers{
		recordingLife: []string{"max-age=86400, stale-if-error=86400"},
		initLife:      []string{"max-age=86400, immutable"}, // the name carries the init id and the epoch
		segmentLife:   []string{"max-age=3600, immutable"},
		steeringLife:  []string{"max-age=" + strconv.Itoa(steeringTTL) + ", stale-if-error=86400"},
		checkLife:     []string{"max-age=10"},

		transcriptLife: [settlements][]string{
			Growing: {"max-age=2"}, Settled: {"max-age=30"}, Final: {"max-age=300, stale-if-error=3600"},
		},

		everyone:     []string{"*"},
		exposed:      []string{"Age, Cache-Control, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After"},
		crossOrigin:  []string{"cross-origin"},
		varyEncoding: []string{"Accept-Encoding"},
		gzip:         []string{"gzip"},
		bytes:        []string{"bytes"},
		playlist:     []string{typePlaylist},
		steering:     []string{typeSteering},
		video:        []string{typeVideo},
		audio:        []string{typeAudio},
		json:         []string{typeJSON},
		nosniff:      []string{"nosniff"},
	}
}

// mediaType is the Content-Type of a rendition's init, segments and parts.
// Audio renditions are those named "audio", or "audio-" and something.
func (h *headers) mediaType(rendition string) []string {
	if rendition == "audio" || strings.HasPrefix(rendition, "audio-") {
		return h.audio
	}
	return h.video
}
