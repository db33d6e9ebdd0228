package bench

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestReadParts(t *testing.T) {
	const head = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:7\n"
	for _, tc := range []struct {
		name, playlist string
		want           []part
		next           place
		ended, bad     bool
	}{
		{
			name:     "no segment yet",
			playlist: head,
			next:     place{7, 0},
		},
		{
			name: "within a segment",
			playlist: head + "#EXTINF:2.0,\ns7.m4s\n" +
				"#EXT-X-PART:DURATION=0.467,URI=\"p8.0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:URI=\"p8.1.m4s\",DURATION=0.033\n#EXTINF:0.5,\ns8.m4s\n" +
				"#EXT-X-PART:DURATION=0.5,URI=\"p9.0.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p9.1.m4s\"\n",
			want: []part{
				{place{8, 0}, 467 * time.Millisecond, "p8.0.m4s"}, {place{8, 1}, 33 * time.Millisecond, "p8.1.m4s"}, {place{9, 0}, 500 * time.Millisecond, "p9.0.m4s"},
			},
			next: place{9, 1},
		},
		{
			name:     "between segments",
			playlist: head + "#EXT-X-PART:DURATION=0.5,URI=\"p7.0.m4s\"\n#EXTINF:0.5,\ns7.m4s\n",
			want:     []part{{place{7, 0}, 500 * time.Millisecond, "p7.0.m4s"}},
			next:     place{8, 0},
		},
		{
			name:     "over",
			playlist: head + "#EXTINF:2.0,\ns7.m4s\n#EXT-X-ENDLIST\n",
			next:     place{8, 0}, ended: true,
		},
		{name: "not a playlist", playlist: "not found\n", bad: true},
		{name: "nothing", playlist: "", bad: true},
		{name: "without parts", playlist: "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n", bad: true},
		{name: "a sequence that is none", playlist: "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n", bad: true},
		{name: "a part of no duration", playlist: head + "#EXT-X-PART:URI=\"p7.0.m4s\"\n", bad: true},
		{name: "a part of negative duration", playlist: head + "#EXT-X-PART:DURATION=-1,URI=\"p7.0.m4s\"\n", bad: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readParts(strings.NewReader(tc.playlist))
			if (err != nil) != tc.bad {
				t.Fatalf("err = %v, want one: %t", err, tc.bad)
			}
			if tc.bad {
				return
			}
			if got.next != tc.next || got.ended != tc.ended || got.target != 500*time.Millisecond {
				t.Errorf("next = %v, ended = %t, target = %s; want %v, %t, 500ms", got.next, got.ended, got.target, tc.next, tc.ended)
			}
			if len(got.listed) != len(tc.want) {
				t.Fatalf("%d parts, want %d", len(got.listed), len(tc.want))
			}
			for i, w := range tc.want {
				if got.listed[i] != w {
					t.Errorf("part %d = %+v, want %+v", i, got.listed[i], w)
				}
			}
		})
	}
}

// came lists parts of half a second that came at these milliseconds.
func came(at ...int) []arrival {
	var out []arrival
	for i, ms := range at {
		out = append(out, arrival{
			part:   part{place: place{msn: 3 + i/4, part: i % 4}, duration: 500 * time.Millisecond},
			at:     time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond),
			target: 500 * time.Millisecond,
		})
	}
	return out
}

func TestCadence(t *testing.T) {
	jump := came(0, 500, 1000, 1500, 2000)
	jump[2].place, jump[3].place, jump[4].place = place{5, 2}, place{5, 3}, place{6, 0}
	short := came(0, 30)
	short[1].duration = 40 * time.Millisecond
	for _, tc := range []struct {
		name     string
		arrivals []arrival
		want     cadence
	}{
		{"nothing", nil, cadence{pace: 1}},
		{"one part says nothing", came(0), cadence{pace: 1}},
		{"even", came(0, 500, 1000, 1500, 2000, 2500), cadence{parts: 5, pace: 1}},
		{"one is late and the next in time", came(0, 500, 1050, 1500), cadence{parts: 3, median: 10, p95: 10, worst: 10, pace: 1}},
		{"two at once", came(0, 1000, 1000), cadence{parts: 2, median: 100, p95: 100, worst: 100, pace: 1}},
		{"too slow", came(0, 550, 1100), cadence{parts: 2, median: 10, p95: 10, worst: 10, pace: 1.1}},
		{"some were not seen", jump, cadence{parts: 3, pace: 1, missing: 1}},
		{"a short part by the target", short, cadence{parts: 1, median: 2, p95: 2, worst: 2, pace: 0.75}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := cadenceOf(tc.arrivals)
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
			if got.parts != tc.want.parts || got.missing != tc.want.missing || !near(got.pace, tc.want.pace) ||
				!near(got.median, tc.want.median) || !near(got.p95, tc.want.p95) || !near(got.worst, tc.want.worst) {
				t.Errorf("cadence = %+v, want %+v", got, tc.want)
			}
		})
	}
}
