package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func multivariantRules() []Rule {
	const video, media = "a variant with video whose media could be read", "media that could be read"
	return []Rule{
		{Number: 1, Level: Must, Section: "D 4.1", Want: "UTF-8 without byte order mark or control characters, beginning with #EXTM3U"},
		{Number: 2, Level: Must, Section: "D 4; A 10.4", Want: "a path that ends in .m3u8, or Content-Type application/vnd.apple.mpegurl"},
		{Number: 3, Level: Must, Section: "D 4.2, 4.4.3, 4.4.4", Want: "only tags of this kind of playlist, and no attribute twice"},
		{Number: 4, Level: Must, Section: "D 4.4.6.2", Want: "BANDWIDTH and a URI line for every variant"},
		{Number: 5, Level: Must, Section: "A 9.1; D 6.2.4", Want: "CODECS on every variant, naming every format in all its renditions"},
		{Number: 6, Level: Must, Section: "D 6.2.4; A 1.10", Want: "CODECS as the initialization section has it", needs: media},
		{Number: 7, Level: Must, Section: "A 9.2; D 4.4.6.2", Want: "RESOLUTION on every variant with video, as the media has it", needs: video},
		{Number: 8, Level: Must, Section: "A 9.15; D 4.4.6.2", Want: "FRAME-RATE on every variant with video, to three decimals, as measured", needs: video},
		{Number: 9, Level: Must, Section: "A 9.14", Want: "AVERAGE-BANDWIDTH on every variant"},
		{Number: 10, Level: Must, Section: "A 9.13; D 4.4.6.2", Want: "BANDWIDTH of at least the largest peak segment bit rates together", needs: "a run of segments of half a target duration"},
		{Number: 11, Level: Must, Section: "A 1.29", Want: "measured peaks below 125 % of BANDWIDTH", needs: "a run of segments of half a target duration"},
		{Number: 12, Level: Must, Section: "A 1.28", Want: "an average over an hour below 110 % of AVERAGE-BANDWIDTH", needs: "three quarters of an hour of measured media"},
		{Number: 13, Level: Must, Section: "D 4.4.6.2", Want: "an EXT-X-MEDIA for every group a variant names"},
		{Number: 14, Level: Must, Section: "D 4.4.6.2", Want: "CLOSED-CAPTIONS=NONE without quotes, and on all variants or on none"},
		{Number: 15, Level: Must, Section: "D 4.4.6.1", Want: "TYPE, GROUP-ID, NAME and what the type asks for on every EXT-X-MEDIA; names that differ and one DEFAULT at most in a group", needs: "an EXT-X-MEDIA"},
		{Number: 16, Level: Must, Section: "A 8.10", Want: "LANGUAGE on every EXT-X-MEDIA but those of video", needs: "an EXT-X-MEDIA"},
		// Not a MUST here: a source that is smaller than every rung has no other.
		{Number: 17, Level: Should, Section: "A 9.9", Want: "more than one bit rate of video", needs: "a variant with video"},
		{Number: 18, Level: Must, Section: "A 9.12", Want: "EXT-X-INDEPENDENT-SEGMENTS here, or in all playlists of video"},
		{Number: 19, Level: Should, Section: "D 6.2.1, 8", Want: "an EXT-X-VERSION no higher than the tags need"},
		{Number: 20, Level: Should, Section: "A 1.32, 1.33", Want: "a first variant of about 2 Mbit/s, and one aspect ratio", needs: "a variant with video"},
		{Number: 21, Level: Should, Section: "A 6.1", Want: "an I-frame playlist beside every video rendition", needs: "a variant with video"},
		{Number: 98, Level: Should, Section: "field", Want: "a variant without video, for bad links", needs: "a variant with video and sound"},
		{Number: 99, Level: Must, Section: "D 8", Want: "an EXT-X-VERSION that the tags may be used with"},
	}
}

func hasVideo(codecs string) bool {
	for c := range strings.SplitSeq(codecs, ",") {
		c = strings.TrimSpace(c)
		for _, p := range []string{"avc1", "avc3", "hvc1", "hev1", "av01", "vp09", "dvh1"} {
			if strings.HasPrefix(c, p) {
				return true
			}
		}
	}
	return false
}

// multivariant judges the multivariant playlist by itself.
func (c *checker) multivariant(m *multivariant) {
	c.report.judged(3, 4, 5, 9, 13, 14)
	for _, x := range m.misuses {
		c.report.broken(3, "multivariant", "%s", x.what)
	}
	if m.orphans > 0 {
		c.report.broken(4, "multivariant", "%d EXT-X-STREAM-INF and URI lines that do not belong together", m.orphans)
	}
	c.version("multivariant", m.version, m.need)
	groups := c.groups(m)
	for _, v := range m.variants {
		where := "variant " + v["uri"]
		for _, need := range []struct {
			rule int
			name string
		}{{4, "BANDWIDTH"}, {5, "CODECS"}, {9, "AVERAGE-BANDWIDTH"}} {
			if v[need.name] == "" {
				c.report.broken(need.rule, where, "no %s", need.name)
			}
		}
		if n, err := strconv.ParseUint(v["BANDWIDTH"], 10, 63); v["BANDWIDTH"] != "" && (err != nil || n == 0) {
			c.report.broken(4, where, "BANDWIDTH=%s", v["BANDWIDTH"])
		}
		if hasVideo(v["CODECS"]) {
			c.report.judged(7, 8)
			if v["RESOLUTION"] == "" {
				c.report.broken(7, where, "no RESOLUTION")
			}
			if !regexp.MustCompile(`^\d+(\.\d{1,3})?$`).MatchString(v["FRAME-RATE"]) {
				c.report.broken(8, where, "FRAME-RATE=%s", v["FRAME-RATE"])
			}
		}
		for _, kind := range []string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"} {
			if g := v[kind]; g != "" && (g != "NONE" || kind != "CLOSED-CAPTIONS") && !groups[kind+"/"+g] {
				c.report.broken(13, where, "%s group %q does not exist", kind, g)
			}
		}
	}
	c.variants(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.independent {
		c.report.judged(18)
	} else {
		c.notIndependent = []string{} // the media playlists must say it
	}
}

// groups judges EXT-X-MEDIA and returns the groups that there are.
func (c *checker) groups(m *multivariant) map[string]bool {
	groups, names, defaults := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, r := range m.renditions {
		c.report.judged(15, 16)
		kind, key := r["TYPE"], r["TYPE"]+"/"+r["GROUP-ID"]
		where := fmt.Sprintf("EXT-X-MEDIA %s %q", kind, r["NAME"])
		bad := ""
		switch {
		case r["GROUP-ID"] == "" || r["NAME"] == "" || !slices.Contains([]string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"}, kind):
			bad = fmt.Sprintf("TYPE=%s, GROUP-ID=%q, NAME=%q", kind, r["GROUP-ID"], r["NAME"])
		case names[key+"/"+r["NAME"]]:
			bad = "the same NAME twice in group " + key
		case r["DEFAULT"] == "YES" && defaults[key] > 0:
			bad = "a second DEFAULT in group " + key
		case r["DEFAULT"] == "YES" && r["AUTOSELECT"] == "NO":
			bad = "DEFAULT=YES with AUTOSELECT=NO"
		case kind == "SUBTITLES" && r["URI"] == "":
			bad = "no URI"
		case kind == "CLOSED-CAPTIONS" && (r["URI"] != "" || r["INSTREAM-ID"] == ""):
			bad = fmt.Sprintf("INSTREAM-ID=%q, URI=%q", r["INSTREAM-ID"], r["URI"])
		case kind != "SUBTITLES" && r["FORCED"] != "":
			bad = "FORCED on what is no subtitle"
		}
		if bad != "" {
			c.report.broken(15, where, "%s", bad)
		}
		if kind != "VIDEO" && r["LANGUAGE"] == "" {
			c.report.broken(16, where, "no LANGUAGE")
		}
		groups[key], names[key+"/"+r["NAME"]] = true, true
		if r["DEFAULT"] == "YES" {
			defaults[key]++
		}
	}
	return groups
}

// variants judges the variants together.
func (c *checker) variants(m *multivariant) {
	none, rates, video, sound, withSound := 0, map[string]bool{}, 0, 0, false
	first, sounds := -1, map[string]bool{}
	var ratios []float64
	for i, v := range m.variants {
		if v["CLOSED-CAPTIONS"] == "NONE" {
			none++
		}
		if !hasVideo(v["CODECS"]) {
			sound++
			continue
		}
		if video++; first < 0 {
			first = i
		}
		rates[v["BANDWIDTH"]], sounds[v["AUDIO"]] = true, true
		withSound = withSound || v["AUDIO"] != "" || strings.Contains(v["CODECS"], "mp4a.")
		var w, h float64
		if n, err := fmt.Sscanf(v["RESOLUTION"], "%fx%f", &w, &h); n == 2 && err == nil && h > 0 {
			ratios = append(ratios, w/h)
		}
	}
	if m.quotedNone {
		c.report.broken(14, "multivariant", "the word in quotes")
	} else if none != 0 && none != len(m.variants) {
		c.report.broken(14, "multivariant", "it on %d of %d variants", none, len(m.variants))
	}
	if video == 0 {
		return
	}
	c.report.judged(17, 20, 21)
	if len(rates) < 2 {
		c.report.broken(17, "multivariant", "%d", len(rates))
	}
	if b, _ := strconv.ParseFloat(m.variants[first]["BANDWIDTH"], 64); b < 1e6 || b > 4e6 {
		c.report.broken(20, "multivariant", "a first variant of %.0f bit/s", b)
	}
	if len(ratios) > 0 && slices.Max(ratios) > 1.05*slices.Min(ratios) {
		c.report.broken(20, "multivariant", "aspect ratios from %.2f to %.2f", slices.Min(ratios), slices.Max(ratios))
	}
	if withSound {
		c.report.judged(98)
		if sound == 0 {
			c.report.broken(98, "multivariant", "none")
		}
		c.report.judged(51)
		if len(sounds) > 1 {
			c.report.broken(51, "multivariant", "%d groups of audio beside the video", len(sounds))
		}
	}
	if len(m.iFrames) == 0 {
		c.report.broken(21, "multivariant", "none for %d variants", video)
	}
	for _, f := range m.iFrames {
		if f["BANDWIDTH"] == "" || f["URI"] == "" {
			c.report.broken(4, "I-frames "+f["URI"], "BANDWIDTH=%s", f["BANDWIDTH"])
		}
	}
}

// version judges EXT-X-VERSION.
func (c *checker) version(where string, stated int, need needed) {
	c.report.judged(19, 99)
	if least := max(1, need.version); stated < least {
		c.report.broken(99, where, "%d with %s, which needs %d", stated, need.why, least)
	} else if most := max(least, need.allowed); stated > most {
		c.report.broken(19, where, "%d where %d would do", stated, most)
	}
}

// described compares what the variants say with what the media is. c.mu is held.
func (c *checker) described(m *multivariant) {
	for _, v := range m.variants {
		where := "variant " + v["uri"]
		stated := splitCodecs(v["CODECS"])
		refs := []string{v["uri"]}
		for _, r := range m.renditions {
			if r["URI"] != "" && r["GROUP-ID"] != "" && v[r["TYPE"]] == r["GROUP-ID"] {
				refs = append(refs, r["URI"])
			}
		}
		if v["CODECS"] == "" {
			continue
		}
		for _, ref := range refs {
			if r := c.renditions[ref]; r != nil {
				c.codecs(where, stated, r)
			}
		}
		if r := c.renditions[v["uri"]]; r != nil && hasVideo(v["CODECS"]) {
			c.picture(where, v, r)
		}
	}
	if c.notIndependent != nil {
		c.report.judged(18)
		if len(c.notIndependent) > 0 {
			c.report.broken(18, "multivariant", "it neither here nor in %s", c.notIndependent[0])
		}
	}
}

func splitCodecs(s string) (out []string) {
	for c := range strings.SplitSeq(s, ",") {
		out = append(out, strings.TrimSpace(c))
	}
	return out
}

// codecs looks for the formats of a rendition in a variant's CODECS. A rendition may
// have had several formats while we watched: one that is stated is enough.
func (c *checker) codecs(where string, stated []string, r *rendition) {
	if len(r.inits) == 0 {
		return
	}
	c.report.judged(6)
	missing, differ := "", ""
	for _, in := range r.inits {
		missing, differ = "", ""
		for _, t := range in.tracks {
			family := t.entry
			same := func(s string) bool { return strings.EqualFold(s, t.codec) }
			if len(t.codec) == len(family) || t.codec == "" { // we know no more of it
				same = func(s string) bool { return strings.HasPrefix(s, family) }
			}
			switch {
			case family == "" || slices.ContainsFunc(stated, same):
			case slices.ContainsFunc(stated, func(s string) bool { return strings.HasPrefix(strings.ToLower(s), strings.ToLower(family)) }):
				differ = fmt.Sprintf("%s where the media is %s", strings.Join(stated, ","), t.codec)
			default:
				missing = fmt.Sprintf("%s without %s", strings.Join(stated, ","), t.codec)
			}
		}
		if missing == "" && differ == "" {
			return
		}
	}
	if missing != "" {
		c.report.broken(5, where, "%s", missing)
	} else {
		c.report.broken(6, where, "%s", differ)
	}
}

// picture compares RESOLUTION and FRAME-RATE with the media.
func (c *checker) picture(where string, v attributes, r *rendition) {
	var w, h int
	if n, err := fmt.Sscanf(v["RESOLUTION"], "%dx%d", &w, &h); n == 2 && err == nil {
		is := ""
		for _, in := range r.inits {
			for _, t := range in.tracks {
				if t.handler != "vide" {
					continue
				}
				if t.shows(w, h) {
					is = ""
					break
				}
				is = fmt.Sprintf("%dx%d", t.width, t.height)
			}
			if is == "" {
				break
			}
		}
		if is != "" {
			c.report.broken(7, where, "%s where the media is %s", v["RESOLUTION"], is)
		}
	}
	stated, err := strconv.ParseFloat(v["FRAME-RATE"], 64)
	if err != nil || len(r.frameRates) == 0 {
		return
	}
	// Frames of 33 and 34 ms are as good as 30 a second: either way of counting will do.
	for _, fps := range r.frameRates {
		if fps > 0.95*stated && fps < 1.05*stated {
			return
		}
	}
	c.report.broken(8, where, "%s where %.3f was measured", v["FRAME-RATE"], slices.Max(r.frameRates))
}
