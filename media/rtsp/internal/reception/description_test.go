package reception

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

const (
	sdpBare   = "m=video 0 RTP/AVP 96\r\na=control:streamid=0\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
	sdpHEVC   = "m=video 0 RTP/AVP 98\r\na=control:streamid=0\r\na=rtpmap:98 H265/90000\r\n"
	sdpLATM   = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 MP4A-LATM/48000/2\r\na=fmtp:97 profile-level-id=30;cpresent=0;config=400023203fc0\r\n"
	sdpOpus   = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 opus/48000/2\r\n"
	sdpPCMU   = "m=audio 0 RTP/AVP 0\r\na=control:streamid=1\r\n"
	sdpPCMA   = "m=audio 0 RTP/AVP 8\r\na=control:streamid=1\r\n"
	sdpAV1    = "m=video 0 RTP/AVP 96\r\na=control:streamid=0\r\na=rtpmap:96 AV1/90000\r\n"
	sdpVP8    = "m=video 0 RTP/AVP 96\r\na=control:streamid=0\r\na=rtpmap:96 VP8/90000\r\n"
	sdpVP9    = "m=video 0 RTP/AVP 96\r\na=control:streamid=0\r\na=rtpmap:96 VP9/90000\r\n"
	sdpInLATM = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 MP4A-LATM/90000/1\r\na=fmtp:97 cpresent=1\r\n"
	sdpStereo = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 opus/48000/2\r\na=fmtp:97 sprop-stereo=1\r\n"
	sdpMulti  = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 multiopus/48000/6\r\n"
	sdpMP3    = "m=audio 0 RTP/AVP 14\r\na=control:streamid=1\r\n"
	sdpAC3    = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 AC3/48000/6\r\n"
	sdpL16    = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 L16/16000/1\r\n"
	sdpL24    = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 L24/96000/2\r\n"
	sdpMany   = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 L16/48000/64\r\n"
	sdpSpeex  = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 speex/16000\r\n"
	sdpG722   = "m=audio 0 RTP/AVP 9\r\na=control:streamid=1\r\n"
	sdpMJPEG  = "m=video 0 RTP/AVP 26\r\na=control:streamid=0\r\n"
	sdpONVIF  = "m=application 0 RTP/AVP 107\r\na=control:streamid=2\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n"
	sdpBack   = "m=audio 0 RTP/AVP 0\r\na=control:back\r\na=sendonly\r\n"
)

// parseDescription reads a session description as the library does and maps it.
func parseDescription(b []byte, ignoreAudio bool) (Plan, error) {
	var raw sdp.SessionDescription
	if err := raw.Unmarshal(b); err != nil {
		return Plan{}, err
	}
	var desc description.Session
	if err := desc.Unmarshal(&raw); err != nil {
		return Plan{}, err
	}
	return Map(&desc, ignoreAudio)
}

func describeTracks(p Plan) string {
	var b strings.Builder
	for _, s := range p.Streams {
		fmt.Fprintf(&b, "%s", s.Track.Codec)
		if !s.complete {
			b.WriteString("?")
		}
		if s.Track.Codec.Kind() == media.KindVideo && s.complete {
			fmt.Fprintf(&b, " %dx%d", s.Track.Video.Width, s.Track.Video.Height)
		}
		if s.Track.Codec.Kind() == media.KindAudio {
			fmt.Fprintf(&b, " %d/%d", s.Track.Timescale, s.Track.Audio.Channels)
		}
		b.WriteString(";")
	}
	return b.String()
}

func TestDescription(t *testing.T) {
	for _, tc := range []struct {
		name        string
		sdp         string
		ignoreAudio bool
		want        string // describeTracks, or the code of a refusal after "refused:"
		ignored     string
	}{
		{"H.264 and AAC", rtptest.SDPH264 + rtptest.SDPAAC, false, "H.264 1920x1080;AAC 48000/2;", ""},
		{"audio described first", rtptest.SDPAAC + rtptest.SDPH264, false, "H.264 1920x1080;AAC 48000/2;", ""},
		{"case 13: parameter sets in band", sdpBare + rtptest.SDPAAC, false, "H.264?;AAC 48000/2;", ""},
		{"HEVC without parameter sets", sdpHEVC, false, "HEVC?;", ""},
		{"audio only", rtptest.SDPAAC, false, "AAC 48000/2;", ""},
		{"second video and audio ignored", rtptest.SDPH264 + rtptest.SDPAAC + sdpBare + rtptest.SDPAAC, false, "H.264 1920x1080;AAC 48000/2;", "H.264,AAC"},
		{"camera metadata ignored", rtptest.SDPH264 + sdpONVIF, false, "H.264 1920x1080;", "a format without a known name"},
		{"back channel is not a track", rtptest.SDPH264 + sdpBack, false, "H.264 1920x1080;", ""},
		{"AAC beside G.711", rtptest.SDPH264 + sdpPCMU + rtptest.SDPAAC, false, "H.264 1920x1080;AAC 48000/2;", "G.711 µ-law"},
		{"H.264 beside Motion JPEG", sdpMJPEG + rtptest.SDPH264, false, "H.264 1920x1080;", "Motion JPEG"},
		{"G.722 left out when asked", rtptest.SDPH264 + sdpG722, true, "H.264 1920x1080;", "G.722"},
		{"G.722", rtptest.SDPH264 + sdpG722, false, "refused:audio_codec", ""},
		{"audio only in a codec that is ignored", sdpG722, true, "refused:audio_codec", ""},
		{"case 19: LATM", rtptest.SDPH264 + sdpLATM, false, "H.264 1920x1080;AAC 48000/2;", ""},
		{"case 19: LATM with its configuration in band", rtptest.SDPH264 + sdpInLATM, false, "H.264 1920x1080;AAC? 90000/0;", ""},
		{"Opus", rtptest.SDPH264 + sdpOpus, false, "H.264 1920x1080;Opus 48000/1;", ""},
		{"Opus in stereo", sdpStereo, true, "Opus 48000/2;", ""},
		{"Opus in six channels", rtptest.SDPH264 + sdpMulti, false, "refused:audio_channels", ""},
		{"case 41: G.711 A-law", rtptest.SDPH264 + sdpPCMA, false, "H.264 1920x1080;G.711 A-law 8000/1;", ""},
		{"case 41: G.711 µ-law", rtptest.SDPH264 + sdpPCMU, false, "H.264 1920x1080;G.711 µ-law 8000/1;", ""},
		{"case 41: AC-3 5.1", rtptest.SDPH264 + sdpAC3, false, "H.264 1920x1080;AC-3 48000/6;", ""},
		{"case 41: linear PCM at 16 kHz", rtptest.SDPH264 + sdpL16, false, "H.264 1920x1080;PCM 16000/1;", ""},
		{"linear PCM, 24 bits", sdpL24, false, "PCM 96000/2;", ""},
		{"linear PCM in 64 channels", sdpMany, false, "refused:audio_config", ""},
		{"MP3", rtptest.SDPH264 + sdpMP3, false, "H.264 1920x1080;MP3? 90000/0;", ""},
		{"Speex", sdpSpeex, false, "Speex 16000/1;", ""},
		{"better sound before telephone sound", sdpPCMA + sdpOpus, false, "Opus 48000/1;", "G.711 A-law"},
		{"case 36: AV1", sdpAV1 + rtptest.SDPAAC, false, "AV1?;AAC 48000/2;", ""},
		{"VP8", sdpVP8, false, "VP8?;", ""},
		{"VP9", sdpVP9, false, "VP9?;", ""},
		{"Motion JPEG", sdpMJPEG, false, "refused:video_codec", ""},
		{"interleaved H.264", strings.Replace(sdpBare, "mode=1", "mode=2", 1), false, "refused:video_codec", ""},
		{"metadata only", sdpONVIF, false, "refused:no_tracks", ""},
		{"field widths beyond reason", strings.Replace(rtptest.SDPAAC, "sizelength=13", "sizelength=90", 1), false, "refused:audio_packing", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := parseDescription([]byte(rtptest.SDPHead+tc.sdp), tc.ignoreAudio)
			got := describeTracks(p)
			if err != nil {
				var refusal *media.RefusalError
				if !errors.As(err, &refusal) {
					t.Fatalf("err = %v, want a refusal", err)
				}
				got = "refused:" + refusal.Code
				if !strings.HasSuffix(refusal.Text, ".") {
					t.Errorf("text %q is no sentence", refusal.Text)
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if ignored := strings.Join(p.Ignored, ","); err == nil && ignored != tc.ignored {
				t.Errorf("ignored %q, want %q", ignored, tc.ignored)
			}
		})
	}
}

func FuzzSDP(f *testing.F) {
	for _, s := range []string{
		rtptest.SDPH264 + rtptest.SDPAAC, sdpBare, sdpHEVC + rtptest.SDPAAC, rtptest.SDPH264 + sdpLATM, rtptest.SDPH264 + sdpOpus, sdpPCMU, sdpAV1, sdpVP8 + sdpInLATM, sdpVP9 + sdpMP3, sdpAC3, sdpL16, sdpL24, sdpMany, sdpSpeex, sdpMulti, sdpMJPEG, sdpONVIF, rtptest.SDPH264 + sdpBack,
	} {
		f.Add([]byte(rtptest.SDPHead+s), false)
	}
	f.Add([]byte("v=0\r\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, ignoreAudio bool) {
		p, err := parseDescription(b, ignoreAudio)
		if err != nil {
			if len(p.Streams) != 0 {
				t.Fatalf("streams beside the error %v", err)
			}
			return
		}
		if n := len(p.Streams); n < 1 || n > 2 {
			t.Fatalf("%d streams", n)
		}
		for i, s := range p.Streams {
			if i == 1 && s.Track.ID != media.AudioTrackID {
				t.Fatal("second stream is not audio")
			}
			if s.Track.Timescale < 1 || s.rate < 1 {
				t.Fatalf("timescale %d", s.Track.Timescale)
			}
			if s.complete && s.Track.Codec.Kind() == media.KindVideo && (s.Track.Video.Width < 1 || len(s.Track.Video.ParameterSets) < 2) {
				t.Fatalf("complete video track without size or parameter sets: %+v", s.Track)
			}
			if _, err := newDepacketizer(s.Format); err != nil {
				t.Fatalf("accepted stream cannot be read: %v", err)
			}
		}
	})
}
