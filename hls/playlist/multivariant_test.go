package playlist_test

import (
	"strings"
	"testing"

	"github.com/lectern/lectern/hls/playlist"
)

// EXT-X-VERSION is what the attributes need, and captions are stated of pictures only.
func TestMultivariant(t *testing.T) {
	video := playlist.Variant{Name: "source", Codecs: "avc1.64001f,mp4a.40.2", Width: 1280, Height: 720, FrameRate: 29.97, Peak: 2e6, Average: 1e6, Video: true}
	sound := playlist.Variant{Name: "audio", Codecs: "mp4a.40.2", Peak: 1e5, Average: 9e4}
	for _, tc := range []struct {
		name  string
		m     playlist.Multivariant
		lines []string
	}{
		{"sound alone", playlist.Multivariant{List: "index.m3u8", Variants: []playlist.Variant{sound}}, []string{
			"#EXT-X-VERSION:1", "#EXT-X-INDEPENDENT-SEGMENTS",
			`#EXT-X-STREAM-INF:BANDWIDTH=100000,AVERAGE-BANDWIDTH=90000,CODECS="mp4a.40.2",CLOSED-CAPTIONS=NONE`, "audio/index.m3u8",
		}},
		{"with captions of CEA-708 and steering", playlist.Multivariant{
			Pathway: "A", Language: "en", List: "dvr.m3u8", IFrameList: "dvr-iframes.m3u8",
			Audio: []playlist.Audio{{Name: "audio", Channels: 2}}, Captions: []string{"CC1", "SERVICE1"}, Service: true,
			Variants: []playlist.Variant{video, sound}, IFrames: []playlist.Variant{video},
		}, []string{
			"#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS", `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="A"`,
			`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/dvr.m3u8"`,
			`#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="Captions",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="CC1"`,
			`#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="Captions 2",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="SERVICE1"`,
			`#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS="cc",PATHWAY-ID="A"`,
			"source/dvr.m3u8",
			`#EXT-X-STREAM-INF:BANDWIDTH=100000,AVERAGE-BANDWIDTH=90000,CODECS="mp4a.40.2",PATHWAY-ID="A"`, "audio/dvr.m3u8",
			`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,URI="source/dvr-iframes.m3u8"`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := "#EXTM3U\n" + strings.Join(tc.lines, "\n") + "\n"
			if got := string(tc.m.Append(nil)); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
