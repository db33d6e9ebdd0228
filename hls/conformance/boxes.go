package conformance

import (
	"fmt"
	"slices"
	"time"
)

func boxRules() []Rule {
	const fmp4 = "segments of fragmented MP4"
	return []Rule{
		{Number: 52, Level: Must, Section: "D 3.1.2", Want: "an initialization section of ftyp with brand iso6 or later, then moov with mvex and without durations", needs: fmp4},
		{Number: 53, Level: Must, Section: "D 3.1.2", Want: "tfdt in each traf, data addressed from the moof, and none outside the file", needs: fmp4},
		{Number: 54, Level: Must, Section: "A 7.3; D 3", Want: "each tfdt to be the one before and its samples' durations", needs: fmp4},
		{Number: 55, Level: Must, Section: "A 7.4", Want: "segments of video that start with an IDR picture", needs: "segments of video in fragmented MP4 that are not encrypted"},
		{Number: 56, Level: Must, Section: "A 8.1", Want: "EXTINF that add up to the media's duration, to a frame", needs: fmp4},
		{Number: 57, Level: Must, Section: "A 2.17", Want: "one audio stream in a segment", needs: "segments"},
		{Number: 58, Level: Must, Section: "A 1.3b, 1.13, 1.19", Want: "H.264 of at most High Profile, level 5.2 and 60 frames a second; SHOULD have a key frame each 2 s", needs: "segments of H.264 in fragmented MP4"},
		{Number: 59, Level: Must, Section: "D 3.1.1; A 7.2", Want: "PAT and PMT in each segment, and unbroken continuity counters", needs: "MPEG-2 Transport Streams"},
	}
}

// maxInits bounds the initialization sections that are remembered of a rendition.
const maxInits = 16

// initOf judges an initialization section.
func (r *mediaReader) initOf(in *initSection, parse error) {
	w, where := r.w, "init "+in.uri
	w.report.judged(25, 52, 53, 57)
	switch {
	case parse != nil:
		w.report.broken(52, where, "%v", parse)
	case in.first != "ftyp" || in.second != "moov" && in.second != "free" && in.second != "styp":
		w.report.broken(52, where, "%q, then %q", in.first, in.second)
	case !slices.ContainsFunc(in.brands, func(b string) bool { return len(b) == 4 && b[:3] == "iso" && b[3] >= '6' && b[3] != 'm' }):
		w.report.broken(52, where, "brands %v", in.brands)
	case in.duration:
		w.report.broken(52, where, "a duration in mvhd or tkhd")
	case !in.extends:
		w.report.broken(52, where, "no mvex")
	}
	if in.samples {
		w.report.broken(25, where, "samples in it")
	}
	if in.external {
		w.report.broken(53, where, "a data reference that is not to the file itself")
	}
	audio := 0
	for _, t := range in.tracks {
		if t.handler == "soun" {
			audio++
		}
		if t.entry != "avc1" && t.entry != "avc3" {
			continue
		}
		w.report.judged(58)
		if !slices.Contains([]int{66, 77, 88, 100}, t.profile) || t.level > 52 {
			w.report.broken(58, where, "profile %d, level %d", t.profile, t.level)
		}
	}
	if audio > 1 {
		w.report.broken(57, where, "%d audio tracks", audio)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rendition := w.of(w.name)
	if len(rendition.inits) < maxInits && parse == nil {
		rendition.inits = append(rendition.inits, in)
	}
}

// changed judges a change of initialization section without a discontinuity.
func (r *mediaReader) changed(s segment, from, to *initSection) {
	r.w.report.judged(33)
	if s.discontinuity || from == to || from.hash == to.hash {
		return
	}
	describe := func(in *initSection) (out string) {
		for _, t := range in.tracks {
			out += fmt.Sprintf("%s %s %dx%d/%d ", t.handler, t.codec, t.width, t.height, t.timescale)
		}
		return out
	}
	if a, b := describe(from), describe(to); a != b {
		r.w.report.broken(33, r.w.name, "segment %d with %sbut before %s", s.msn, b, a)
	}
}

// follows is what must be remembered of one segment to judge the next.
type follows struct {
	msn   int
	in    *initSection
	next  map[uint32]uint64 // decode time due, by track
	key   time.Duration     // since the last key frame, at the segment's end
	begin time.Duration     // where the first segment of the run starts
	sum   time.Duration     // of EXTINF since
	least time.Duration     // by how much sum was more than the media before a segment, and most
	most  time.Duration
}

// boxes judges the samples of one segment.
func (r *mediaReader) boxes(s segment, in *initSection, runs []*run) {
	w := r.w
	if len(runs) == 0 {
		w.report.broken(53, w.name, "segment %d without a moof", s.msn)
		return
	}
	now := follows{msn: s.msn, in: in, next: map[uint32]uint64{}}
	going := r.last != nil && r.last.msn == s.msn-1 && !s.discontinuity
	if r.last != nil && r.last.in != nil && r.last.msn == s.msn-1 && in != nil {
		r.changed(s, r.last.in, in)
	}
	if going = going && r.last.in == in; going {
		now.begin, now.sum, now.least, now.most, now.key = r.last.begin, r.last.sum, r.last.least, r.last.most, r.last.key
	}
	w.report.judged(53, 54)
	for _, x := range runs {
		if x.noTime || x.absolute {
			w.report.broken(53, w.name, "segment %d with tfdt missing: %v, not addressed from moof: %v", s.msn, x.noTime, x.absolute)
		}
		if x.hasJump {
			w.report.broken(54, w.name, "a jump of %v within segment %d", x.track.in(x.broken), s.msn)
		}
		if due, ok := r.dueOf(going, x.track.id); ok && due != x.decode {
			w.report.broken(54, w.name, "segment %d at tfdt %d, where %d was due", s.msn, x.decode, due)
		}
		now.next[x.track.id] = x.next
		if x.truncated {
			w.report.broken(53, w.name, "segment %d with samples that are not in it", s.msn)
		}
	}
	main := leading(runs)
	if main.track.timescale > 0 {
		r.durations(s, main, going, &now)
	}
	if main.track.handler == "vide" {
		r.pictures(s, main, going, &now)
	}
	r.last = &now
}

func (r *mediaReader) dueOf(going bool, id uint32) (uint64, bool) {
	if !going {
		return 0, false
	}
	due, ok := r.last.next[id]
	return due, ok
}

// leading returns the run that times are judged by: that of video if there is one.
func leading(runs []*run) *run {
	for _, x := range runs {
		if x.track.handler == "vide" {
			return x
		}
	}
	return runs[0]
}

// durations judges EXTINF against the samples, over every run of segments that ends
// here (A 8.1): from the first picture that is shown to the last. What is missing
// between two segments is rule 54's.
func (r *mediaReader) durations(s segment, x *run, going bool, now *follows) {
	w := r.w
	w.report.judged(56)
	start, end := x.track.in(x.start), x.track.in(x.end)
	d := end - start
	if !going {
		now.begin = start
	}
	before := now.sum - (start - now.begin)
	now.least, now.most = min(now.least, before), max(now.most, before)
	now.sum += s.duration
	drift := now.sum - (end - now.begin)
	frame := x.track.in(x.longest()) + time.Millisecond
	if apart := max(drift-now.least, now.most-drift); apart > 2*frame { // one at either end of the run
		w.report.broken(56, w.name, "up to segment %d EXTINF and media %v apart, with frames of %v", s.msn, apart, frame)
		now.begin, now.sum, now.least, now.most = end, 0, 0, 0
	}
	if d > time.Duration(r.target)*time.Second+500*time.Millisecond+frame {
		w.report.broken(24, w.name, "segment %d of %v with a target of %d s", s.msn, d, r.target)
	}
	w.started(w.name, s.msn, x.track.in(x.start))
}

// pictures judges a segment of video.
func (r *mediaReader) pictures(s segment, x *run, going bool, now *follows) {
	w := r.w
	if !x.track.protected && !s.encrypted {
		w.report.judged(55)
		if !x.independent() {
			w.report.broken(55, w.name, "segment %d starting with a NAL unit of type %d", s.msn, x.firstNAL)
		}
	}
	n, d := len(x.samples), x.track.in(x.duration())
	if n < 10 || d <= 0 {
		return
	}
	counts := map[uint32]int{}
	usual := x.samples[0].duration
	for _, f := range x.samples {
		if counts[f.duration]++; counts[f.duration] > counts[usual] {
			usual = f.duration
		}
	}
	rates := []float64{float64(n) / d.Seconds()}
	if one := x.track.in(int64(usual)); one > 0 {
		rates = append(rates, float64(time.Second)/float64(one))
	}
	w.mu.Lock()
	rendition := w.of(w.name)
	if len(rendition.frameRates) == 0 {
		rendition.frameRates = rates
	}
	for i := range min(len(rates), len(rendition.frameRates)) {
		rendition.frameRates[i] = max(rendition.frameRates[i], rates[i])
	}
	w.mu.Unlock()
	if x.track.entry != "avc1" && x.track.entry != "avc3" {
		return
	}
	if one := x.track.in(int64(x.decoding()/uint64(n))) + time.Microsecond; one < time.Second/61 {
		w.report.broken(58, w.name, "%.1f frames a second in segment %d", 1/one.Seconds(), s.msn)
	}
	since := now.key
	at := x.decode
	worst := time.Duration(0)
	for _, k := range x.keyAt {
		if since += x.track.in(int64(k - at)); going || at != x.decode {
			worst = max(worst, since)
		}
		since, at = 0, k
	}
	now.key = since + x.track.in(int64(x.next-at))
	if worst > 2100*time.Millisecond {
		w.report.lesser(58, w.name, "%v between key frames in segment %d", worst.Round(time.Millisecond), s.msn)
	}
}

// stream judges one segment of a transport stream.
func (r *mediaReader) stream(s segment, b []byte) {
	w := r.w
	w.report.judged(57, 59)
	fresh := s.discontinuity || r.lastTS != s.msn-1
	r.lastTS = s.msn
	f := r.ts.segment(b, fresh)
	switch {
	case f.badSync > 0:
		w.report.broken(59, w.name, "%d packets without their sync byte in segment %d", f.badSync, s.msn)
	case !f.pat || !f.pmt:
		w.report.broken(59, w.name, "segment %d with PAT: %v, PMT: %v", s.msn, f.pat, f.pmt)
	case f.counter != "":
		w.report.broken(59, w.name, "%s in segment %d", f.counter, s.msn)
	}
	if f.audio > 1 {
		w.report.broken(57, w.name, "%d audio streams in segment %d", f.audio, s.msn)
	}
}

// inParts judges the parts of a segment against it.
func (r *mediaReader) inParts(s segment, in *initSection, runs []*run, bodies [][]byte) {
	w := r.w
	w.report.judged(66)
	var all []byte
	for _, b := range bodies {
		all = append(all, b...)
	}
	together, err := parseFragments(all, in)
	switch {
	case err != nil:
		w.report.broken(66, w.name, "parts of segment %d: %v", s.msn, err)
		return
	case len(together) != len(runs):
		w.report.broken(66, w.name, "%d tracks in the parts of segment %d, %d in it", len(together), s.msn, len(runs))
		return
	}
	for i, x := range together {
		y := runs[i]
		if x.track.id != y.track.id || x.decode != y.decode || x.hash != y.hash || x.hasJump != y.hasJump || !slices.Equal(x.samples, y.samples) {
			w.report.broken(66, w.name, "segment %d with %d samples from tfdt %d, its parts with %d from %d, or other bytes", s.msn, len(y.samples), y.decode, len(x.samples), x.decode)
			return
		}
	}
	if leading(runs).track.handler != "vide" {
		return // every frame of sound is independent
	}
	w.report.judged(67)
	for i, p := range s.parts {
		one, perr := parseFragments(bodies[i], in)
		if perr != nil || len(one) == 0 {
			continue
		}
		if has := len(leading(one).keyAt) > 0; has != p.independent {
			w.report.broken(67, w.name, "part %d of segment %d with INDEPENDENT=%v, and an independent frame in it: %v", i, s.msn, p.independent, has)
		}
	}
}
