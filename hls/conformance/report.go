package conformance

import (
	"fmt"
	"sync"
)

// rule is one check of the project's list. Those above 94 were added to it with
// the ladder.
type rule struct {
	number  int
	level   Level
	section string
	want    string
}

// The rules that are implemented, by the number in the list.
func rules() map[int]rule {
	m := map[int]rule{}
	for _, r := range []rule{
		{1, Must, "D 4.1", "a playlist that parses, beginning with #EXTM3U"},
		{2, Must, "D 4; A 10.4", "Content-Type application/vnd.apple.mpegurl"},
		{4, Must, "D 4.4.6.2", "BANDWIDTH on every variant"},
		{5, Must, "A 9.1", "CODECS on every variant"},
		{7, Must, "A 9.2", "RESOLUTION on every variant with video"},
		{9, Must, "A 9.14", "AVERAGE-BANDWIDTH on every variant"},
		{10, Must, "A 9.13; D 4.4.6.2", "BANDWIDTH of at least the largest peak segment bit rates together"},
		{13, Must, "D 4.4.6.2", "an EXT-X-MEDIA for every group a variant names"},
		{14, Must, "D 4.4.6.2", "CLOSED-CAPTIONS=NONE without quotes, and on all variants or on none"},
		{15, Must, "D 4.4.6.1", "TYPE, GROUP-ID and NAME on every EXT-X-MEDIA"},
		{16, Must, "A 8.10", "LANGUAGE on every EXT-X-MEDIA of audio or subtitles"},
		// Not a MUST here: a source that is smaller than every rung has no other.
		{17, Should, "A 9.9", "more than one bit rate of video"},
		{18, Must, "A 9.12", "EXT-X-INDEPENDENT-SEGMENTS"},
		{21, Should, "A 6.1", "an I-frame playlist beside every video rendition"},
		{22, Must, "D 4.4.3.1", "one EXT-X-TARGETDURATION of 1 or more"},
		{23, Must, "D 4.4.3.1", "EXTINF that rounds to at most the target duration"},
		{25, Must, "D 3.1.2", "EXT-X-MAP for every segment"},
		{26, Must, "A 8.4; D B.1", "EXT-X-PROGRAM-DATE-TIME"},
		{28, Must, "D 6.2.1", "each date to follow from the one before and its EXTINF"},
		{31, Must, "A 8.17", "EXT-X-DISCONTINUITY-SEQUENCE"},
		{34, Must, "D 6.2.1", "a target duration that never changes"},
		{35, Must, "D 6.2.2", "a media sequence that never goes back"},
		{36, Must, "D 6.2.2", "discontinuity sequence numbers that never change for a segment"},
		{37, Must, "D 6.2.1", "a listed segment that never changes"},
		{38, Must, "D 6.2.2", "removal from the front only, and no segment left out"},
		{40, Must, "D 6.2.2", "a segment that has left the playlist to be there for its Availability Duration"},
		{42, Must, "D 6.2.1", "no preload hint after ENDLIST"},
		{44, Must, "D 6.2.4; A 8.2", "the same target duration in all renditions"},
		{45, Must, "D 6.2.4", "the same EXT-X-SERVER-CONTROL in all renditions"},
		{46, Must, "D 6.2.4; A 8.15", "the same discontinuity sequence number for the same content"},
		{47, Should, "A 8.22", "the same segment boundaries in all renditions"},
		{48, Must, "D 6.2.4", "the same date for the same segment in all renditions"},
		{49, Must, "D 6.2.4", "renditions that end with the same segment"},
		{60, Must, "D 4.4.3.7, 4.4.3.8", "EXT-X-PART-INF and PART-HOLD-BACK beside parts"},
		{61, Must, "A 14.3; D 4.4.3.8", "PART-HOLD-BACK of 3 part targets or more"},
		{62, Must, "D 4.4.3.8", "HOLD-BACK of 3 and CAN-SKIP-UNTIL of 6 target durations or more"},
		{63, Must, "field", "PART-TARGET and PART-HOLD-BACK that never change"},
		{64, Must, "D 4.4.4.9", "parts no longer than PART-TARGET, and of 85 % of it but where allowed"},
		{70, Must, "D B.1, 4.4.5.3", "one EXT-X-PRELOAD-HINT of TYPE=PART while live"},
		{72, Must, "D B.1, 4.4.5.4", "one EXT-X-RENDITION-REPORT for every other rendition"},
		{73, Must, "D 6.2.5.2", "a blocking reload answered with what it asked for"},
		{76, Must, "D 6.2.5.2", "400 for _HLS_part without _HLS_msn"},
		{77, Should, "D 6.2.5.2", "400 for a request far ahead of the live edge"},
		{80, Must, "D 6.2.5.1", "a delta update that yields the full playlist"},
		{83, Must, "A 10.1; D B.1", "gzip when it is accepted, with Vary: Accept-Encoding"},
		{85, Should, "D 6.2.6", "404 for media that does not exist"},
		{86, Must, "RFC 9110 15.5.6", "405 for methods other than GET and HEAD"},
		{87, Must, "RFC 9110 14; D B.1", "206 with Content-Range for a range, 416 for one that cannot be satisfied"},
		{88, Should, "RFC 9110 8.8, 13.1.2", "a strong ETag that If-None-Match honours with 304"},
		{91, Must, "Fetch", "Access-Control-Allow-Origin on every answer"},
		{95, Must, "D 4.4.4.7", "every segment that is listed and no gap to be there"},
		{96, Should, "D 6.2.1", "what is a gap in one rendition to be there in another"},
		{97, Must, "D 4.4.3.6", "EXT-X-I-FRAMES-ONLY, EXT-X-MAP, and a picture at every byte range"},
		{98, Should, "field", "a variant without video, for bad links"},
	} {
		m[r.number] = r
	}
	return m
}

// Rules returns how many rules are implemented.
func Rules() int { return len(rules()) }

// report collects findings. It is safe for concurrent use.
type report struct {
	rules map[int]rule // read-only

	mu       sync.Mutex // guards the fields below
	findings []*Finding
	index    map[string]*Finding // by rule and place
}

func newReport() *report {
	return &report{rules: rules(), index: map[string]*Finding{}}
}

// broken records that rule was seen broken at where.
func (r *report) broken(number int, where, format string, args ...any) {
	rule := r.rules[number]
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprint(number, where)
	if f, ok := r.index[key]; ok {
		f.Times++
		return
	}
	f := &Finding{Rule: number, Section: rule.section, Level: rule.level, Where: where, Saw: fmt.Sprintf(format, args...), Want: rule.want, Times: 1}
	r.index[key] = f
	r.findings = append(r.findings, f)
}

func (r *report) list() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Finding, len(r.findings))
	for i, f := range r.findings {
		out[i] = *f
	}
	return out
}
